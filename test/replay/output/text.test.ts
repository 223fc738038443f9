import { test } from 'tap'
import { counted, percent, span } from '../../../lib/replay/output/numbers.js'
import { painter, sparkline, table, WIDTH } from '../../../lib/replay/output/table.js'
import { textOf } from '../../../lib/replay/output/text.js'
import type { ReplayOptions } from '../../../lib/replay.js'
import { combined, NOON, replayLines } from '../support.js'

const at = (second: number, ip = '192.0.2.1') => combined(NOON + second * 1000, ip)
const PLAIN = painter(false)

async function textFor(lines: string[], options: Partial<ReplayOptions> = {}) {
  return textOf(await replayLines(lines, options), PLAIN).split('\n')
}

test('numbers are written for people', async (t) => {
  t.same([0, 1, 0.5, 0.0123, 0.00001, 0.99999, 0.9996].map(percent), [
    '0 %',
    '100 %',
    '50.0 %',
    '1.23 %',
    '< 0.01 %',
    '> 99.99 %',
    '99.96 %',
  ])
  t.same([counted(1, 'key'), counted(0, 'key'), counted(1234, 'key')], ['1 key', '0 keys', '1,234 keys'])
  t.equal(span('2026-03-01T12:00:00Z', '2026-03-01T12:00:09Z'), '2026-03-01 12:00:00 to 12:00:09')
  t.equal(span('2026-03-01T12:00:00Z', '2026-03-02T12:00:09Z'), '2026-03-01 12:00:00 to 2026-03-02 12:00:09')
})

test('a table is as wide as a terminal at most: its first column gives way', async (t) => {
  const [head, row] = table([
    ['key', 'requests'],
    ['x'.repeat(100), '7'],
  ])
  t.equal(row.length, WIDTH)
  t.match(row, /^ {2}x+… +7$/)
  t.match(head, /^ {2}key +requests$/)
})

test('bars show where something was, however little', async (t) => {
  t.equal(sparkline([0, 1, 1000, 500], 10), ' ▁█▄')
  t.equal(sparkline([1, 1, 1, 1, 1], 3), '██▄')
  t.equal(sparkline([0, 0], 5), '  ')
})

test('a policy is reported in at most 80 columns', async (t) => {
  const lines = [...Array(30).fill(at(0)), at(1, '2001:db8:1234:5678::1'), at(200), 'bad line']
  const text = await textFor(lines, { policies: [{ rate: 10, burst: 5 }] })
  t.same(text.slice(0, 6), [
    'stream: combined, 33 lines',
    '32 requests of 2 keys (ip)',
    '2026-03-01 12:00:00 to 12:03:20 UTC',
    '! not readable: 1 line; the first is stream:33',
    '  not a line of the common or the combined log format',
    '  bad line',
  ])
  t.same(text.slice(7), [
    '10 per minute, burst 5',
    '  denied 25 of 32 requests, 78.1 %',
    '  denied 1 key, 50.0 % of all',
    '  longest run: 25 denials of 192.0.2.1',
    '    2026-03-01 12:00:00 to 12:00:00',
    '  most at a time: 25 denials',
    '    2026-03-01 12:00:00 to 12:00:01',
    '  denials over time, to 2026-03-01 12:03:21:',
    `    █${' '.repeat(66)}`,
    '  denied most  requests  denied   share',
    '  192.0.2.1          31      25  80.6 %',
    '',
  ])
  t.ok(text.every((line) => line.length <= WIDTH))
})

test('several policies are compared first', async (t) => {
  const policies = [
    { rate: 1, burst: 1 },
    { rate: 1000, burst: 100 },
  ]
  const text = await textFor([at(0), at(0)], { policies })
  t.same(text.slice(4, 7), [
    '  policy                      denied  requests  keys  of all',
    '  1 per minute, burst 1            1    50.0 %     1   100 %',
    '  1000 per minute, burst 100       0       0 %     0     0 %',
  ])
})

test('what happened besides denials is said', async (t) => {
  const lines = [0, 0, 0, 0, 30, 90, 0].map((second) => at(second))
  const policies: ReplayOptions['policies'] = [
    { rate: 60, burst: 1, wait: '1 second' },
    { rate: 1, block: '1 hour' },
    { algorithm: 'concurrency', limit: 1 },
  ]
  const text = (await textFor([...lines, at(1)], { policies, where: 'ip!=192.0.2.9', status: '2xx' })).join(
    '\n',
  )
  t.match(text, '! 2 requests out of order: they count with those around them')
  t.match(text, '  delayed 2 requests, 25.0 %')
  t.match(text, '  7 of these denials came while the key was blocked')
  t.match(text, '! 8 requests without a duration: they end when they arrive')
})

test('lines that count nothing are said', async (t) => {
  const json = (object: object) => JSON.stringify({ time: NOON, ...object })
  const text = await textFor([json({ ip: '192.0.2.1' }), json({ msg: 'x' }), json({ ip: '192.0.2.2' })], {
    where: 'ip=192.0.2.1',
  })
  t.equal(text[3], '1 request left out, 1 line without a request')
})

test('advice is two tables and a policy to paste, in at most 80 columns', async (t) => {
  const lines = Array.from({ length: 300 }, (_, i) => at(i, i % 3 === 0 ? '192.0.2.1' : `198.18.0.${i % 50}`))
  const text = await textFor(lines)
  const page = text.join('\n')
  t.match(page, /Token bucket: the least burst.*\n {2}rate +50 % +90 % +99 % +99\.9 %\n/)
  t.match(page, /\n {2}20 per minute \* +\d+ +\d+ +\d+ +\d+\n/)
  t.match(page, /Sliding window: the least rate.*\n {2}per +50 %/)
  t.match(page, /\n {2}await app\.register\(rateLimit, \{ rate: 20, per: 'minute', burst: 1 \}\)\n/)
  t.match(page, 'would have denied 0 keys, 0 % of all')
  t.notMatch(page, /^ {2}and .* requests/m, 'a stream is read only once')
  t.ok(text.every((line) => line.length <= WIDTH))
})

test('colours are codes of terminals, and only where they are asked for', async (t) => {
  const report = await replayLines([at(0), at(0)], { policies: [{ rate: 1, burst: 1 }], advice: true })
  const plain = textOf(report, PLAIN)
  const colored = textOf(report, painter(true))
  t.match(colored, '\u001b[31mdenied 1 of 2 requests, 50.0 %\u001b[0m')
  t.notMatch(plain, '\u001b')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes are the subject
  t.equal(colored.replace(/\u001b\[\d+m/g, ''), plain)
})

test('a report about nothing has no times, and advice may have no suggestion', async (t) => {
  const nothing = await replayLines([])
  t.equal(textOf(nothing, PLAIN), 'stream: empty, 1 line\n0 requests of 0 keys (ip)\n')
  const { advice } = await replayLines([at(0)])
  const page = textOf({ ...nothing, advice: advice && { ...advice, suggestion: null } }, PLAIN)
  t.match(page, 'Sliding window')
  t.notMatch(page, 'Suggestion')
})

test('a damaged file is named', async (t) => {
  const report = await replayLines([at(0)])
  const damaged = {
    ...report,
    files: [{ ...report.files[0], damage: 'ends in the middle of its gzip data' }],
  }
  t.match(textOf(damaged, PLAIN), '\n! stream ends in the middle of its gzip data\n')
})
