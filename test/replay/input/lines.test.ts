import fc from 'fast-check'
import { test } from 'tap'
import { StreamBytes } from '../../../lib/replay/input/bytes.js'
import { Lines, LONGEST_LINE } from '../../../lib/replay/input/lines.js'
import { streamOf } from '../support.js'

/** All lines, as `[number, text, whether it is cut]`. */
async function linesOf(text: string | Uint8Array, size?: number) {
  const lines = new Lines(new StreamBytes(streamOf(text, size)))
  const found: [number, string, boolean][] = []
  for (;;) {
    while (lines.next())
      found.push([lines.number, lines.bytes.toString('utf8', lines.start, lines.end), lines.isCut])
    if (!(await lines.fill())) return found
  }
}

test('lines are the same, in whatever pieces they come', async () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'ä', '\n', '\r\n', ' '), maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 70 }), async (text, size) => {
      const parts = text.split(/\r?\n/)
      if (parts.at(-1) === '') parts.pop()
      const wanted = parts.map((line, i) => [i + 1, line, false])
      return JSON.stringify(await linesOf(text, size)) === JSON.stringify(wanted)
    }),
  )
})

test('the last line needs no line break, and a byte order mark is no part of the first', async (t) => {
  t.same(await linesOf('\ufeffa\nb'), [
    [1, 'a', false],
    [2, 'b', false],
  ])
  t.same(await linesOf(''), [])
  t.same(await linesOf('\ufeff'), [])
  t.same(await linesOf('a'), [[1, 'a', false]])
})

test('a line that is too long is one line, cut, and the next one is whole', async (t) => {
  const wide = 'x'.repeat(LONGEST_LINE)
  for (const text of [`a\n${wide}x\nb`, `a\n${wide}${wide}${wide}\r\nb\n`, `a\n${wide}x`]) {
    const lines = await linesOf(text)
    t.same(lines[0], [1, 'a', false])
    t.same([lines[1][0], lines[1][2], lines[1][1].length > 1000], [2, true, true])
    t.same(lines.slice(2), text.includes('b') ? [[3, 'b', false]] : [])
  }
  t.match(await linesOf(`${'x'.repeat(LONGEST_LINE - 1)}\nb`), [
    [1, /^x+$/, false],
    [2, 'b', false],
  ])
})

test('a look at the first lines takes none of them away', async (t) => {
  const lines = new Lines(new StreamBytes(streamOf('a\nb\nc\n', 1)))
  const seen: string[] = []
  await lines.peek(2, (bytes, start, end) => seen.push(bytes.toString('utf8', start, end)))
  t.same(seen, ['a', 'b'])
  t.ok(lines.next())
  t.same([lines.number, lines.bytes.toString('utf8', lines.start, lines.end)], [1, 'a'])
})
