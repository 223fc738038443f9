import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { KeyHasher } from '../../lib/store/key-hash.js'
import { hostileKeys } from './hostile-keys.js'

const SEED = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)
const KEY = { k0: 0x03020100, k1: 0x07060504 }

/**
 * HalfSipHash as the paper's authors write it: `c` rounds a word, `d` to finish, 64 bits of output, in
 * hexadecimal.
 */
function halfSipHash(
  words: number[],
  c: number,
  d: number,
  tweak = { v0: 0, v3: 0 },
  { k0, k1 } = KEY,
): string {
  const rotate = (x: number, bits: number) => ((x << bits) | (x >>> (32 - bits))) >>> 0
  let [v0, v1, v2, v3] = [k0 ^ tweak.v0, k1 ^ 0xee, k0 ^ 0x6c796765, k1 ^ 0x74656462 ^ tweak.v3]
  const rounds = (times: number) => {
    for (let i = 0; i < times; i++) {
      v0 = (v0 + v1) >>> 0
      v1 = rotate(v1, 5) ^ v0
      v0 = rotate(v0, 16)
      v2 = (v2 + v3) >>> 0
      v3 = rotate(v3, 8) ^ v2
      v0 = (v0 + v3) >>> 0
      v3 = rotate(v3, 7) ^ v0
      v2 = (v2 + v1) >>> 0
      v1 = rotate(v1, 13) ^ v2
      v2 = rotate(v2, 16)
    }
  }
  for (const word of words) {
    v3 ^= word
    rounds(c)
    v0 ^= word
  }
  v2 ^= 0xee
  rounds(d)
  const low = v1 ^ v3
  v1 ^= 0xdd
  rounds(d)
  return hex(low, v1 ^ v3)
}

/**
 * The words of a key: units of `width` bytes side by side, zeros up to a word that is never full, then the
 * length.
 */
function wordsOf(key: string, width: 1 | 2): number[] {
  const bytes = Buffer.concat([Buffer.from(key, width === 1 ? 'latin1' : 'utf16le'), Buffer.alloc(4)])
  const full = Math.floor((key.length * width) / 4) + 1
  return [...Array.from({ length: full }, (_, i) => bytes.readUInt32LE(i * 4)), key.length]
}

function hex(low: number, high: number): string {
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join(' ')
}

function digest(hasher: KeyHasher, space: number, key: string): string {
  hasher.digest(space, key)
  return hex(hasher.low, hasher.high)
}

test('the reference of this file gives the published vectors of HalfSipHash-2-4', async (t) => {
  // No byte, the byte 0, and the bytes 0 to 3; the last word holds the length in its highest byte.
  t.equal(halfSipHash([0], 2, 4), '591f8d21 c83cb8b9')
  t.equal(halfSipHash([0x01000000], 2, 4), '122455be 157338f8')
  t.equal(halfSipHash([0x03020100, 0x04000000], 2, 4), '178ae7d5 a12ee55b')
})

test('a digest is HalfSipHash-1-3 of the words of the key', async (t) => {
  const hasher = new KeyHasher(SEED)
  for (const key of ['a', 'abc', 'abcd', 'abcde', '203.0.113.7', '\0', '\u00ff\u00fe', 'x'.repeat(1000)]) {
    t.equal(
      digest(hasher, 0, key),
      halfSipHash(wordsOf(key, 1), 1, 3, { v0: 0, v3: 2 << 8 }),
      key.slice(0, 20),
    )
    t.equal(digest(hasher, 7, key), halfSipHash(wordsOf(key, 1), 1, 3, { v0: 7, v3: 2 << 8 }), 'in space 7')
  }
  for (const key of ['\u0100', 'a\u0100', '\ud800', '\u{1f600}!', '\uffff'.repeat(999)]) {
    t.equal(
      digest(hasher, 3, key),
      halfSipHash(wordsOf(key, 2), 1, 3, { v0: 3, v3: 1 << 8 }),
      key.slice(0, 20),
    )
  }
})

test('every code unit counts in full, whatever the length and wherever it stands', async () => {
  const hasher = new KeyHasher(SEED)
  const latin1 = fc.array(fc.integer({ min: 0, max: 0xff }), { maxLength: 21 })
  const any = fc.array(fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff })), {
    maxLength: 21,
  })
  fc.assert(
    fc.property(fc.oneof(latin1, any), fc.nat(5), (units, space) => {
      const key = String.fromCharCode(...units)
      const width = units.every((unit) => unit <= 0xff) ? 1 : 2
      const expected = halfSipHash(wordsOf(key, width), 1, 3, { v0: space, v3: (3 - width) << 8 })
      return digest(hasher, space, key) === expected
    }),
    { numRuns: 2000, examples: [[[], 0]] },
  )
  for (let length = 1; length <= 9; length++) {
    for (let at = 0; at < length; at++) {
      const digests = new Set<string>()
      for (let bit = 0; bit < 16; bit++) {
        const units = new Array(length).fill(0x61)
        units[at] ^= 1 << bit
        digests.add(digest(hasher, 0, String.fromCharCode(...units)))
      }
      assert.equal(digests.size, 16, `unit ${at} of ${length}`)
    }
  }
})

test('both halves of a digest are signed words', async (t) => {
  const hasher = new KeyHasher(SEED)
  const signs = new Set<string>()
  for (let i = 0; i < 100; i++) {
    hasher.digest(i, 'key')
    t.same([hasher.low, hasher.high], [hasher.low | 0, hasher.high | 0])
    signs.add(`${Math.sign(hasher.low)} ${Math.sign(hasher.high)}`)
  }
  t.equal(signs.size, 4)
})

test('different keys have different digests, of any bytes and any length', async (t) => {
  const hasher = new KeyHasher(SEED)
  const keys = hostileKeys()
  t.equal(new Set(keys.map((key) => digest(hasher, 0, key))).size, keys.length)
  const anyKey = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.array(fc.constantFrom('\0', '\u0001', '\u0100')).map((units) => units.join('')),
  )
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => (a === b) === (digest(hasher, 0, a) === digest(hasher, 0, b))),
    { numRuns: 300 },
  )
})

test('the same bytes as Latin-1 and as UTF-16 are different keys', async (t) => {
  const hasher = new KeyHasher(SEED)
  for (const latin1 of ['ab', 'abcd', '\0\u0001', 'abcdefgh', '\u00ff\u00ff']) {
    const utf16 = Buffer.from(latin1, 'latin1').toString('utf16le')
    t.not(digest(hasher, 0, latin1), digest(hasher, 0, utf16), latin1)
  }
})

test('key spaces and seeds give digests of their own, and a seed repeats them', async (t) => {
  const digests = new Set<string>()
  for (let space = 0; space < 1000; space++) digests.add(digest(new KeyHasher(SEED), space, 'key'))
  t.equal(digests.size, 1000)
  for (let bit = 0; bit < 64; bit++) {
    const seed = SEED.slice()
    seed[bit >> 3] ^= 1 << (bit & 7)
    digests.add(digest(new KeyHasher(seed), 0, 'key'))
  }
  t.equal(digests.size, 1064, 'every bit of the seed counts')
  t.not(digest(new KeyHasher(), 0, 'key'), digest(new KeyHasher(), 0, 'key'), 'seeds are random by default')
})

test('no digest is 0, which is how the table spells an empty slot', async (t) => {
  // Found by running the rounds backwards from a digest of 0: one key in 2^64 does this, and none must be
  // lost.
  const hasher = new KeyHasher(Buffer.from('2ee12d9706c4e32c', 'hex'))
  const [space, key] = [0x58738651, '\x2d\x32\xd8\x30\x01\0\0\0']
  t.equal(digest(hasher, space, key), '00000001 00000000')
  const seed = { k0: 0x972de12e, k1: 0x2ce3c406 }
  t.equal(halfSipHash(wordsOf(key, 1), 1, 3, { v0: space, v3: 2 << 8 }, seed), '00000000 00000000')
})

test('a seed may be any eight bytes of a larger buffer', async (t) => {
  const buffer = Uint8Array.of(9, 9, 9, ...SEED, 9)
  t.equal(digest(new KeyHasher(buffer.subarray(3, 11)), 0, 'key'), digest(new KeyHasher(SEED), 0, 'key'))
})

test('digests of keys in sequence spread evenly, in both halves', async (t) => {
  const hasher = new KeyHasher(SEED)
  const buckets = { low: new Array(256).fill(0), high: new Array(256).fill(0) }
  const keys = 100_000
  for (let i = 0; i < keys; i++) {
    hasher.digest(0, `10.0.${i >> 8}.${i & 255}`)
    buckets.low[hasher.low >>> 24]++
    buckets.high[hasher.high >>> 24]++
  }
  for (const counts of [buckets.low, buckets.high]) {
    const expected = keys / counts.length
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: 6 standard deviations are 255 + 6 * sqrt(2 * 255). The seed is fixed, so this
    // never flickers.
    t.ok(chiSquare < 390, `chi-square ${chiSquare}`)
  }
})
