import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { test } from 'tap'
import { type ReplayReport, replay } from '../../../lib/replay.js'
import { NOON, replayLines } from '../support.js'

interface Hit {
  readonly at: number
  readonly key: string
  readonly cost: number
}

const logs = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constant(0), fc.nat(400), fc.nat(40_000)),
      fc.nat(4),
      fc.oneof(fc.constant(1), fc.nat(3)),
    ),
    {
      minLength: 5,
      maxLength: 150,
      size: 'max',
    },
  )
  .map((steps) => {
    let at = NOON
    return steps.map(([gap, key, cost]): Hit => {
      at += gap
      return { at, key: `k${key}`, cost }
    })
  })

const json = (hits: readonly Hit[]) => hits.map(({ at, ...rest }) => JSON.stringify({ time: at, ...rest }))
const OPTIONS = { key: 'key', cost: 'cost', showKeys: true, skew: 0 } as const
const RATES = [
  { rate: 7, per: 'minute' },
  { rate: 60, per: 'minute' },
  { rate: 2, per: 'second' },
] as const

test('with the least burst no key is denied, and with one unit less one is', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async (hits) => {
      const lines = json(hits)
      const { advice } = await replayLines(lines, { ...OPTIONS, rates: RATES })
      const all = (advice as NonNullable<ReplayReport['advice']>).rates.map(({ rate, per, burst }) => ({
        rate,
        per,
        burst: burst['99.9%'],
      }))
      const enough = all.map((policy) => ({ ...policy, burst: Math.max(1, policy.burst) }))
      const less = all
        .filter(({ burst }) => burst > 1)
        .map((policy) => ({ ...policy, burst: policy.burst - 1 }))
      const tried = await replayLines(lines, { ...OPTIONS, policies: [...enough, ...less] })
      return tried.policies.every(({ denied }, i) =>
        i < enough.length ? denied.count === 0 : denied.count > 0,
      )
    }),
    { numRuns: 60 },
  )
})

const WINDOWS = {
  second: 1000,
  '10 seconds': 10_000,
  minute: 60_000,
  '10 minutes': 600_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/** The most units of a key in any window, by looking at all of them. */
function mostIn(hits: readonly Hit[], length: number, key: string): number {
  const own = hits.filter((hit) => hit.key === key)
  return Math.max(
    ...own.map(({ at }) =>
      own
        .filter((other) => other.at <= at && other.at > at - length)
        .reduce((sum, { cost }) => sum + cost, 0),
    ),
  )
}

test('the least windows are the most units that keys spent in one', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async (hits) => {
      const { advice } = await replayLines(json(hits), OPTIONS)
      const keys = [...new Set(hits.map(({ key }) => key))]
      return (advice as NonNullable<ReplayReport['advice']>).windows.every(({ per, rate }) => {
        const wanted = keys
          .map((key) => mostIn(hits, WINDOWS[per as keyof typeof WINDOWS], key))
          .sort((a, b) => a - b)
        return ([0.5, 0.9, 0.99, 0.999] as const).every(
          (share) => rate[`${share * 100}%` as '50%'] === wanted[Math.ceil(share * wanted.length) - 1],
        )
      })
    }),
    { numRuns: 60 },
  )
})

test('windows of keys with very many moments are too high by at most 1 part in 64', async (t) => {
  let at = NOON
  let seed = 1
  const hits = Array.from({ length: 6000 }, (_, i): Hit => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    at += i % 2000 < 1000 ? seed % 50 : seed % 5000
    return { at, key: 'k', cost: 1 }
  })
  const { advice } = await replayLines(json(hits), OPTIONS)
  for (const { per, rate } of advice?.windows ?? []) {
    const wanted = mostIn(hits, WINDOWS[per as keyof typeof WINDOWS], 'k')
    t.ok(
      rate['50%'] >= wanted && rate['50%'] <= wanted * (1 + 1 / 64),
      `${per}: ${rate['50%']}, exactly ${wanted}`,
    )
  }
})

/** 99 people, each with `burst` requests at once, twice in three hours; and a client that never stops. */
function shop(burst: number): Hit[] {
  const people = Array.from({ length: 99 }, (_, i) => ({ key: `person ${i}`, start: NOON + i * 1000 }))
  const visits = people.flatMap(({ key, start }) =>
    [0, 3 * 3_600_000].flatMap((later) => Array(burst).fill({ at: start + later, key, cost: 1 })),
  )
  const scraper = Array.from({ length: 3600 }, (_, i) => ({ at: NOON + i * 1000, key: 'scraper', cost: 1 }))
  return [...visits, ...scraper].sort((a, b) => a.at - b.at)
}

test('the suggestion spares 99 % of the keys, and says what it would have done', async (t) => {
  const hits = shop(8)
  const { advice } = await replayLines(json(hits), OPTIONS)
  t.match(advice?.suggestion, {
    policy: { rate: 1, per: 'minute', burst: 8 },
    code: "{ rate: 1, per: 'minute', burst: 8 }",
    keysDenied: { count: 1, share: 0.01 },
    report: null,
  })
  t.same(advice?.suggestion?.deciding.slice(0, 2), [
    { key: 'scraper', requests: 3600, burst: 3541 },
    { key: 'person 0', requests: 16, burst: 8 },
  ])
  t.equal(advice?.suggestion?.deciding.length, 10)
  t.same(
    advice?.suggestion?.peaks.filter(({ keys }) => keys > 0),
    [
      { upTo: 10, keys: 99 },
      { upTo: 5000, keys: 1 },
    ],
  )
})

test('a file that changes before it is read again is an error', async (t) => {
  const hits = Array.from({ length: 100 }, (_, i) => ({ at: NOON + i * 1000, key: `k${i % 10}`, cost: 1 }))
  const others = {
    'other keys': hits.map((hit) => ({ ...hit, key: 'x' })),
    'fewer requests': hits.slice(0, 50),
    'other times': hits.map((hit) => ({ ...hit, at: hit.at + 5 })),
  }
  for (const [title, changed] of Object.entries(others)) {
    const folder = t.testdir({ a: json(hits).join('\n'), b: json([{ at: NOON, key: 'k0', cost: 1 }])[0] })
    const files = ['a', 'b'].map((name) => join(folder, name))
    const onProgress = ({ bytes, total }: { bytes: number; total: number | null }) => {
      if (bytes === Number(total) / 2) writeFileSync(files[0], json(changed).join('\n'))
    }
    const message = `${files.join(', ')}: changed while it was read; read a copy, or try policies, for which files are read once`
    await t.rejects(replay({ ...OPTIONS, files, onProgress }), { code: 'FST_FLOODGATE_LOG', message }, title)
  }
})

test('a burst is rounded up to a number that people choose', async (t) => {
  const bursts = await Promise.all(
    [1, 9, 10, 11, 37, 61, 123].map(async (burst) => {
      const { advice } = await replayLines(json(shop(burst)), {
        ...OPTIONS,
        rates: [{ rate: 1, per: 60_000 }],
      })
      return [advice?.suggestion?.policy.burst, advice?.suggestion?.code]
    }),
  )
  t.same(
    bursts.map(([burst]) => burst),
    [1, 9, 10, 15, 40, 65, 150],
  )
  t.equal(bursts[0][1], '{ rate: 1, per: 60000, burst: 1 }')
})

test('there is no suggestion where a burst would be too large for a policy', async (t) => {
  const hit = { at: NOON, key: 'k', cost: 10 ** 9 }
  const rates = [{ rate: 1, per: 'day' }] as const
  t.match(await replayLines(json([hit]), { ...OPTIONS, rates }), { advice: { suggestion: null } })
  t.match(await replayLines(json([{ ...hit, cost: 10 ** 12 }]), OPTIONS), {
    advice: { suggestion: null, windows: [{ rate: { '50%': 2 ** 32 - 1 } }] },
  })
})

test('a rate that no policy may have is an error', async (t) => {
  const refused = (rate: object, message: RegExp) =>
    t.rejects(replayLines([], { rates: [rate as never] }), { code: 'FST_FLOODGATE_OPTION', message })
  await refused({ rate: 0, per: 'minute' }, /'rates\[0\]\.rate' is 0; allowed: an integer from 1/)
  await refused({ rate: 1, per: 'fortnight' }, /'rates\[0\]\.per'/)
})
