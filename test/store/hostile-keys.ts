/** Keys that a store might confuse with each other, lose or choke on; no two are the same string. */
export function hostileKeys(): string[] {
  const long = 'x'.repeat(16_384)
  return [
    ...new Set([
      ...latin1(),
      ...lengths(),
      ...oneBitApart('key'),
      ...['a', 'a\0', 'a\0\0', 'a\0\0\0', '\0a', '\0', '\0\0', '\0\0\0\0', '\0'.repeat(8)],
      // The same bytes, one by one as Latin-1 and two by two as UTF-16; then as UTF-8 read as Latin-1.
      ...['abcd', '\u6261\u6463', '\u6162\u6364', '\u0100', '\0\u0001', '\u0001\0', '\u00e9', '\u00c3\u00a9'],
      // Lone surrogates, which UTF-8 would all turn into U+FFFD, and pairs in the right and the wrong order.
      ...['\ud800', '\ud801', '\udfff', '\ufffd', '\ud800\ud800', '\udc00\ud800', '\ud800\udc00'],
      ...[
        '\u{1f600}',
        '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
        'e\u0301',
        '\ufeffkey',
        'KEY',
        ' key',
        'key ',
      ],
      ...[
        '__proto__',
        'constructor',
        'undefined',
        'null',
        'a:b',
        'a/b',
        '{a}b',
        '*',
        '%00',
        '\r\n',
        '0',
        '00',
      ],
      ...[long, `${long}x`, `${long.slice(1)}y`, `y${long.slice(1)}`, '\u{1f600}'.repeat(8_192)],
      `${long.slice(0, 8_000)}y${long.slice(8_001)}`,
    ]),
  ]
}

function latin1(): string[] {
  return Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
}

/** Around every boundary of a word of two, four or eight. */
function lengths(): string[] {
  return Array.from({ length: 17 }, (_, i) => ['x'.repeat(i + 1), '\u0178'.repeat(i + 1)]).flat()
}

function oneBitApart(key: string): string[] {
  const flips = Array.from({ length: key.length * 16 }, (_, bit) => {
    const at = bit >> 4
    return key.slice(0, at) + String.fromCharCode(key.charCodeAt(at) ^ (1 << (bit & 15))) + key.slice(at + 1)
  })
  return [key, ...flips]
}
