import { stopCoverage } from 'node:v8'
import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { sharedStore } from '../../../lib/threads.js'
import type { PolicyOptions } from '../../../types/index.js'
import { assertConsistent } from '../../fixtures/threads/assert-consistent.js'
import { hammer, type Outcome } from '../../fixtures/threads/workers.js'

// For a longer run: 10,000 ms and 20 times take half an hour.
const MS = Number(process.env.FLOODGATE_HAMMER_MS ?? 300)
const TIMES = Number(process.env.FLOODGATE_HAMMER_TIMES ?? 1)
t.setTimeout((120_000 + 10 * MS) * TIMES)
stopCoverage()

/** No unit comes back while the test runs. */
const BUCKET: PolicyOptions = { name: 'bucket', rate: 1, per: 'hour', burst: 500_000 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 30_000, per: 'day' }
const SMALL: PolicyOptions = { name: 'small', rate: 1, per: 'day', burst: 20 }
const SMALL_WINDOW: PolicyOptions = {
  name: 'small window',
  algorithm: 'sliding-window',
  rate: 20,
  per: 'day',
}
const LARGE: PolicyOptions = { name: 'large', rate: 1, per: 'hour', burst: 100_000 }
/** Units come back while the test runs. */
const QUICK: PolicyOptions = { name: 'quick', rate: 10_000, per: 'second', burst: 100 }

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

/** The limit and the units spent of each key, as the memory says. */
function spent({ memory, told }: Outcome, policies: PolicyOptions[], inTurn: boolean): number[][] {
  const store = sharedStore({ memory })
  const limiters = policies.map((policy, i) => createLimiter({ name: `policy ${i}`, ...policy }, { store }))
  const all = inTurn ? [] : [createLimiter({ name: 'all', policies }, { store })]
  return told.map((_, key) => {
    const limiter = all[0] ?? limiters[key % limiters.length]
    const { limit, remaining } = limiter.peek(`key ${key}`, { cost: 0 })
    return [limit, limit - remaining]
  })
}

const ONE_KEY = [
  { policies: [BUCKET, WINDOW], victims: 0 },
  { policies: [BUCKET], victims: 4 },
  { policies: [WINDOW], victims: 4 },
  { policies: [WINDOW, BUCKET], victims: 4 },
]

for (let time = 1; time <= TIMES; time++) {
  for (const { policies, victims } of ONE_KEY) {
    const names = policies.map(({ name }) => name).join(' and ')
    test(`8 threads on one key spend as much as one thread: ${names}, ${victims} terminated, ${time}`, async (t) => {
      const inTurn = policies.length === 1
      const outcome = await hammer({ threads: 8, keys: 1, policies, inTurn, ms: MS, victims })
      const [[limit, gone]] = spent(outcome, policies, inTurn)
      const [told, lost] = [outcome.told[0], outcome.lost[0]]
      t.ok(told > 100, `${told} units`)
      t.ok(told <= gone && gone <= told + lost, `${told} told, ${gone} spent, ${lost} unknown`)
      t.ok(lost <= outcome.terminated, 'each thread was in one charge at most')
      t.ok(gone <= limit)
      t.doesNotThrow(() => assertConsistent(outcome.memory))
    })
  }

  test(`8 threads spend each of 10,000 keys exactly: 4 terminated, ${time}`, async (t) => {
    const policies = [SMALL, SMALL_WINDOW]
    const outcome = await hammer({ threads: 8, keys: 10_000, policies, inTurn: true, ms: MS, victims: 4 })
    let wrong = 0
    for (const [key, [limit, gone]] of spent(outcome, policies, true).entries()) {
      const [told, lost] = [outcome.told[key], outcome.lost[key]]
      if (!(told <= gone && gone <= told + lost && gone <= limit)) wrong++
    }
    t.equal(wrong, 0, 'keys of which more or less was spent than told')
    t.ok(sum(outcome.told) > 1000, `${sum(outcome.told)} units`)
    t.doesNotThrow(() => assertConsistent(outcome.memory))
  })

  test(`8 threads spend each key exactly while other keys come and go and slots move: 4 terminated, ${time}`, async (t) => {
    const keys = 3000
    const work = {
      threads: 8,
      keys,
      guests: 500,
      maxKeys: 4000,
      policies: [LARGE],
      inTurn: true,
      ms: MS,
      victims: 4,
    }
    const outcome = await hammer(work)
    const wrong = spent(outcome, [LARGE], true).filter(([, gone], key) => {
      const [told, lost] = [outcome.told[key], outcome.lost[key]]
      return !(told <= gone && gone <= told + lost)
    })
    t.same(wrong, [])
    t.ok(sum(outcome.told) > 1000, `${sum(outcome.told)} units`)
    t.doesNotThrow(() => assertConsistent(outcome.memory))
  })

  test(`8 threads are admitted the burst and the rate, and no unit more: 4 terminated, ${time}`, async (t) => {
    const outcome = await hammer({ threads: 8, keys: 1, policies: [QUICK], inTurn: true, ms: MS, victims: 4 })
    const most = 100 + Math.floor(outcome.elapsed * 10)
    t.ok(outcome.told[0] <= most, `${outcome.told[0]} of ${most}`)
    t.ok(outcome.told[0] > 100, 'and some of them')
  })
}
