import { test } from 'tap'
import { History, MOST_SERIES, POINTS, STEP } from '../../lib/console/history.js'
import type { ConsoleCounts, ConsoleSeries } from '../../types/console.js'
import type { RateLimitStats } from '../../types/index.js'

const START = 1e12

/** The stats of limiters of one policy, of which only counts matter here. */
function statsOf(limiters: Record<string, Partial<ConsoleCounts>>): RateLimitStats {
  const zero = { allowed: 0, delayed: 0, denied: 0, blocked: 0, shadowDenied: 0 }
  const all = Object.entries(limiters).map(([name, counts]) => [
    name,
    { policies: { [name]: { ...zero, ...counts } } },
  ])
  return { limiters: Object.fromEntries(all) } as RateLimitStats
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
const last = (series: ConsoleSeries, outcome: keyof ConsoleCounts) => series[outcome].at(-1)

test('a point has what was counted in its five seconds, in total and of each limiter', async (t) => {
  const history = new History(statsOf({ api: { allowed: 100 } }), START)
  t.match(history.series(), { total: { end: START, step: 5000, allowed: [], denied: [] }, limiters: {} })
  history.sample(statsOf({ api: { allowed: 103, denied: 2 } }), START + STEP)
  history.sample(statsOf({ api: { allowed: 103, denied: 2 }, login: { blocked: 4 } }), START + 2 * STEP)
  history.sample(statsOf({ api: { allowed: 104, denied: 2 }, login: { blocked: 5 } }), START + 3 * STEP)
  const common = { end: START + 3 * STEP, step: 5000, delayed: [0, 0, 0], shadowDenied: [0, 0, 0] }
  t.strictSame(history.series(), {
    total: { ...common, allowed: [3, 0, 1], denied: [2, 0, 0], blocked: [0, 4, 1] },
    limiters: {
      api: { ...common, allowed: [3, 0, 1], denied: [2, 0, 0], blocked: [0, 0, 0] },
      login: { ...common, allowed: [0, 0, 0], denied: [0, 0, 0], blocked: [0, 4, 1] },
    },
  })
})

test('it holds 15 minutes, and no more', async (t) => {
  const history = new History(statsOf({}), START)
  for (let i = 1; i <= POINTS + 7; i++)
    history.sample(statsOf({ api: { allowed: (i * (i + 1)) / 2 } }), START + i * STEP)
  const { total } = history.series()
  t.strictSame(
    total.allowed,
    Array.from({ length: POINTS }, (_, i) => i + 8),
  )
  t.equal(total.end, START + (POINTS + 7) * STEP)
})

test('a process that slept has empty points for the time, and a clock that is set back none', async (t) => {
  const history = new History(statsOf({}), START)
  history.sample(statsOf({ api: { allowed: 1 } }), START + STEP)
  history.sample(statsOf({ api: { allowed: 3 } }), START + 4 * STEP + 200)
  t.strictSame(history.series().total.allowed, [1, 0, 0, 2])
  history.sample(statsOf({ api: { allowed: 4 } }), START - 1e9)
  t.strictSame(history.series().total.allowed, [1, 0, 0, 2, 1])
  history.sample(statsOf({ api: { allowed: 9 } }), START + 1e9)
  const { allowed } = history.series().total
  t.equal(allowed.length, POINTS)
  t.equal(sum(allowed), 5, 'what was before the sleep is older than 15 minutes')
})

test('a count that begins again takes nothing away', async (t) => {
  const history = new History(statsOf({ api: { allowed: 10 } }), START)
  history.sample(statsOf({ api: { allowed: 2, denied: 1 } }), START + STEP)
  t.equal(last(history.series().total, 'allowed'), 0)
  t.equal(last(history.series().total, 'denied'), 1)
  history.sample(statsOf({ api: { allowed: 5, denied: 1 } }), START + 2 * STEP)
  t.equal(last(history.series().total, 'allowed'), 3)
})

test('limiters beyond the first 200 that decide have a place in the total only', async (t) => {
  const history = new History(statsOf({}), START)
  const all = (allowed: number) =>
    statsOf(Object.fromEntries(Array.from({ length: MOST_SERIES + 5 }, (_, i) => [`api-${i}`, { allowed }])))
  history.sample(all(1), START + STEP)
  history.sample(all(2), START + 2 * STEP)
  const { total, limiters } = history.series()
  t.equal(Object.keys(limiters).length, MOST_SERIES)
  t.strictSame(total.allowed, [MOST_SERIES + 5, MOST_SERIES + 5])
})
