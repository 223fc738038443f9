import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { compilePolicy } from '../../../lib/policy/index.js'
import { memoryStore } from '../../../lib/store/index.js'
import type { Decision, Limiter, PolicyOptions } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

/** Rates that no whole number of microseconds fits, so that their ticks are fine and soon many. */
const QUICK: PolicyOptions = { name: 'quick', rate: 999_983, per: 'second', burst: 1_000_000 }
const SLOW: PolicyOptions = { name: 'slow', rate: 99_991, per: 'day', burst: 50_000 }
const SLOW_ONCE: PolicyOptions = { name: 'slow once', rate: 99_991, per: 'day', burst: 1 }

/** Milliseconds until a policy's ticks reach 2^52 and start again, and until its empty bucket is full. */
function timesOf(policy: PolicyOptions) {
  const { law } = compilePolicy(policy, 'tested')
  if (!('resolution' in law)) throw new TypeError('a token bucket')
  const ticksPerMs = law.resolution * 1000
  return { horizon: 2 ** 52 / ticksPerMs, fill: Math.ceil(law.tolerance / ticksPerMs) }
}

/**
 * A store whose ticks of these policies are so old: they start with the first key, and an early one is still
 * there.
 */
function storeAt(ms: number, policies: PolicyOptions[], maxKeys = 10) {
  const clock = new ManualClock()
  const store = memoryStore({ maxKeys, clock })
  createLimiter({ name: 'early', policies }, { store }).take('early')
  clock.advance(Math.floor(ms))
  return { clock, store }
}

/** Takes of many sizes by two keys, over the time that an empty bucket takes to fill twice. */
function story(limiter: Limiter, clock: ManualClock, fill: number): Decision[] {
  const told: Decision[] = []
  const { limit } = limiter.policies[0]
  for (let i = 0; i < 40; i++) {
    told.push(limiter.take('busy', { cost: Math.ceil((limit * ((i * 7) % 20)) / 20) }))
    if (i % 8 === 0) told.push(limiter.take('calm', { cost: Math.ceil(limit / 3) }))
    told.push(limiter.peek('calm'), limiter.peek('busy', { cost: limit }))
    clock.advance(Math.floor(fill / 20))
  }
  return told
}

for (const policy of [QUICK, SLOW]) {
  test(`decisions are the same before, across and after 2^52 ticks: ${policy.name}`, async (t) => {
    const { horizon, fill } = timesOf(policy)
    const storyFrom = (ms: number) => {
      const { clock, store } = storeAt(ms, [policy])
      return story(createLimiter({ name: 'tested', ...policy }, { store }), clock, fill)
    }
    const expected = storyFrom(0)
    t.ok(new Set(expected.map((decision) => decision.allowed)).size === 2, 'the story has denials')
    for (const start of [
      horizon - fill * 1.9,
      horizon - fill,
      horizon - fill / 50,
      horizon + 5,
      horizon * 5.3,
    ]) {
      t.same(storyFrom(start), expected, `from ${Math.floor(start)} ms on`)
    }
  })
}

test('a lap of one policy leaves the keys of the others alone', async (t) => {
  const { horizon } = timesOf(QUICK)
  const { clock, store } = storeAt(horizon - 1000, [QUICK, SLOW])
  const quick = createLimiter({ name: 'quick', ...QUICK }, { store })
  const slow = createLimiter({ name: 'slow', ...SLOW }, { store })
  const window = createLimiter(
    { name: 'window', algorithm: 'sliding-window', rate: 3, per: 'hour' },
    { store },
  )
  quick.take('key')
  slow.take('key', { cost: 50_000 })
  window.take('key', { cost: 2 })
  const before = slow.peek('key')
  clock.advance(2000)
  quick.take('key')
  t.equal(window.peek('key').remaining, 1)
  t.match(slow.peek('key'), { remaining: 2, resetAfter: before.resetAfter - 2000 })
})

test('a key that is being denied still is, and is known to be, when the ticks start again', async (t) => {
  const { horizon } = timesOf(SLOW_ONCE)
  const { clock, store } = storeAt(horizon - 100, [SLOW_ONCE], 3)
  const limiter = createLimiter({ name: 'tested', ...SLOW_ONCE }, { store })
  limiter.take('denied')
  limiter.take('denied')
  clock.advance(200)
  for (let i = 0; i < 10; i++) limiter.take(`flood ${i}`)
  t.equal(store.stats().forgotten, 8)
  t.match(limiter.take('denied'), { allowed: false, retryAfter: 665 })
  clock.advance(664)
  t.equal(limiter.take('denied').allowed, false, 'a millisecond too soon')
  clock.advance(1)
  t.equal(limiter.take('denied').allowed, true, 'the wait of before was honest')
})

test('sweep is right about keys of a policy that nobody has asked since its ticks ran over', async (t) => {
  const { horizon, fill } = timesOf(SLOW)
  const { clock, store } = storeAt(horizon - 1000, [SLOW])
  const limiter = createLimiter({ name: 'tested', ...SLOW }, { store })
  limiter.take('key', { cost: 50_000 })
  clock.advance(fill - 1)
  t.equal(store.sweep(), 1, 'the early one')
  t.equal(store.sweep(), 0)
  clock.advance(horizon * 9)
  t.equal(store.sweep(), 1)
})
