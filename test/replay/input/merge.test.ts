import { join } from 'node:path'
import fc from 'fast-check'
import { test } from 'tap'
import { type ReplayOptions, replay } from '../../../lib/replay.js'
import { combined, NOON, streamOf } from '../support.js'

const POLICIES: ReplayOptions['policies'] = [
  { rate: 1, per: 10_000, burst: 1 },
  { algorithm: 'sliding-window', rate: 2, per: 5000 },
]

/** What must be the same, however a log is split. */
async function outcome(options: ReplayOptions) {
  const report = await replay({ ...options, policies: POLICIES, advice: true })
  const { requests, outOfOrder, from, to, policies, advice } = report
  return JSON.stringify({
    requests,
    outOfOrder,
    from,
    to,
    policies,
    rates: advice?.rates,
    windows: advice?.windows,
  })
}

const lineAt = (second: number) => combined(NOON + second * 1000, `192.0.2.${second % 3}`)

test('rotated files may come in any order, and those of several servers may overlap', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(600), fc.nat(3)), { minLength: 20, maxLength: 80 }),
      fc.infiniteStream(fc.nat()),
      async (hits, order) => {
        // Of one second only one line: between lines of equal times files have no order.
        const seconds = [...new Map(hits)].sort(([a], [b]) => a - b)
        const whole = await outcome({ files: streamOf(seconds.map(([second]) => lineAt(second)).join('\n')) })
        const parts = [0, 1, 2, 3]
          .map((part) => seconds.filter(([, place]) => place === part).map(([second]) => lineAt(second)))
          .filter((part) => part.length > 0)
          .map((part) => [order.next().value as number, part.join('\n')] as const)
          .sort(([a], [b]) => a - b)
          .map(([, text]) => text)
        const folder = t.testdir(Object.fromEntries(parts.map((text, i) => [`log-${i}`, text])))
        const paths = parts.map((_, i) => join(folder, `log-${i}`))
        const streams = parts.map((text) => streamOf(text, 50))
        return (await outcome({ files: paths })) === whole && (await outcome({ files: streams })) === whole
      },
    ),
    { numRuns: 30 },
  )
})

test('lines out of order by up to `skew` are put in order, older ones count late', async (t) => {
  const files = () => streamOf([0, 3, 1, 8, 4, 18, 20, 14].map(lineAt).join('\n'))
  const inOrder = await outcome({ files: streamOf([0, 1, 3, 4, 8, 14, 18, 20].map(lineAt).join('\n')) })
  t.equal(await outcome({ files: files(), skew: '6 seconds' }), inOrder)
  const late = async (skew: ReplayOptions['skew']) => (await replay({ files: files(), skew })).outOfOrder
  t.same([await late('6 seconds'), await late('1 second'), await late(0)], [0, 1, 3])
  t.equal(await late('5 seconds'), await late(undefined), 'the default is 5 seconds')
})

test('a few lines with a time far ahead are wrong, and many are a gap of the log', async (t) => {
  const year = 365 * 86_400
  const lines = Array.from({ length: 100 }, (_, i) => lineAt(i))
  const wrong = [...lines.slice(0, 50), lineAt(year), lineAt(2 * year), ...lines.slice(50)]
  const from = '2026-03-01T12:00:00Z'
  t.match(await replay({ files: streamOf(wrong.join('\n')) }), {
    requests: 102,
    outOfOrder: 2,
    from,
    to: '2026-03-01T12:01:39Z',
  })
  const gap = [...lines, ...Array.from({ length: 20 }, (_, i) => lineAt(year + i * 2 * 86_400))]
  t.match(await replay({ files: streamOf(gap.join('\n')) }), {
    requests: 120,
    outOfOrder: 0,
    from,
    to: '2027-04-08T12:00:00Z',
  })
  const short = [...lines, lineAt(year)]
  t.match(await replay({ files: streamOf(short.join('\n')) }), {
    requests: 101,
    outOfOrder: 0,
    to: '2027-03-01T12:00:00Z',
  })
})

test('a wrong time in the first line moves neither the others nor the file', async (t) => {
  const year = 365 * 86_400
  const lines = Array.from({ length: 100 }, (_, i) => lineAt(2 * i))
  const wrong = [lineAt(year), ...lines.slice(1)]
  const right = { outOfOrder: 1, from: '2026-03-01T12:00:02Z', to: '2026-03-01T12:03:18Z' }
  t.match(await replay({ files: streamOf(wrong.join('\n')) }), { requests: 100, ...right })
  const folder = t.testdir({ a: wrong.join('\n'), b: lines.map((_, i) => lineAt(2 * i + 3)).join('\n') })
  const files = ['a', 'b'].map((name) => join(folder, name))
  t.match(await replay({ files }), { requests: 200, ...right, to: '2026-03-01T12:03:21Z' })
  const two = [lineAt(year), lineAt(2 * year), ...lines.slice(0, 3)]
  t.match(await replay({ files: streamOf(two.join('\n')) }), { outOfOrder: 2, to: '2026-03-01T12:00:04Z' })
  const after = [...lines, lineAt(2 * year), ...lines.map((_, i) => lineAt(year + 2 * i))]
  t.match(await replay({ files: streamOf(after.join('\n')) }), {
    outOfOrder: 1,
    to: '2027-03-01T12:03:18Z',
  })
})

test('a log of few requests, or one whose last line is much older, has no wrong times', async (t) => {
  const sparse = Array.from({ length: 20 }, (_, i) => lineAt(i * 7200))
  const to = '2026-03-03T02:00:00Z'
  t.match(await replay({ files: streamOf(sparse.join('\n')) }), { requests: 20, outOfOrder: 0, to })
  t.match(await replay({ files: streamOf([lineAt(7200), lineAt(0)].join('\n')) }), {
    from: '2026-03-01T12:00:00Z',
    to: '2026-03-01T14:00:00Z',
  })
})

test('a log with the newest line first is an error that says what to do', async (t) => {
  const lines = Array.from({ length: 60 }, (_, i) => lineAt(600 - i * 10))
  await t.rejects(replay({ files: streamOf(lines.join('\n')) }), {
    code: 'FST_FLOODGATE_LOG',
    message:
      /^stream: 58 of 60 requests are out of order by more than the skew; sort the log by time, the oldest line first$/,
  })
})

test('a file whose requests are all left out is read, and the others count', async (t) => {
  const folder = t.testdir({ a: lineAt(1), b: lineAt(2), c: 'x' })
  const files = ['a', 'b'].map((name) => join(folder, name))
  t.match(await replay({ files, where: 'ip=192.0.2.2' }), { requests: 1, leftOut: 1, keys: 1 })
  await t.rejects(replay({ files: [...files, join(folder, 'c')], format: 'common' }), { message: /c:1: / })
})

test('progress grows up to the size of all files, read once, or twice with advice', async (t) => {
  const folder = t.testdir({ a: `${lineAt(1)}\n`.repeat(5000), b: `${lineAt(2)}\n`.repeat(5000) })
  const files = ['a', 'b'].map((name) => join(folder, name))
  const seen: { bytes: number; total: number | null; lines: number }[] = []
  const { files: read } = await replay({ files, onProgress: (progress) => seen.push(progress) })
  const size = 10_000 * (lineAt(1).length + 1)
  t.match(read, [{ lines: 5000 }, { lines: 5000 }])
  t.same(seen.at(-1), { bytes: 2 * size, total: 2 * size, lines: 10_000 })
  t.ok(seen.every(({ bytes }, i) => i === 0 || bytes >= seen[i - 1].bytes))
  seen.length = 0
  await replay({ files: streamOf(lineAt(1)), onProgress: (progress) => seen.push(progress) })
  t.same(seen.at(-1), { bytes: lineAt(1).length, total: null, lines: 1 })
})
