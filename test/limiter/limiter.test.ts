import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'tap'
import { createLimiter } from '../../lib/limiter/index.js'
import { memoryStore } from '../../lib/store/index.js'
import type { Decision, Denied, LimiterOptions, PolicyOptions, TakeOptions } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

/** A limiter whose time stands still until the test moves `clock`. */
function limiterOf(options: LimiterOptions) {
  const clock = new ManualClock()
  const limiter = createLimiter(options, { store: memoryStore({ clock }) })
  return { limiter, clock }
}

test('a decision has the fields of its outcome, and no others', async (t) => {
  const { limiter } = limiterOf({ name: 'api', rate: 60, per: 'minute', burst: 2 })
  t.strictSame(limiter.take('a'), { allowed: true, policy: 'api', limit: 2, remaining: 1, resetAfter: 1000 })
  t.strictSame(limiter.take('a'), { allowed: true, policy: 'api', limit: 2, remaining: 0, resetAfter: 2000 })
  t.strictSame(limiter.take('a'), {
    allowed: false,
    policy: 'api',
    violated: ['api'],
    limit: 2,
    remaining: 0,
    resetAfter: 2000,
    retryAfter: 1000,
  })
})

test('a sliding window counts down from its rate, and denies until its oldest unit leaves', async (t) => {
  const { limiter, clock } = limiterOf({ name: 'cmd', algorithm: 'sliding-window', rate: 2, per: '10s' })
  t.strictSame(limiter.take('a'), {
    allowed: true,
    policy: 'cmd',
    limit: 2,
    remaining: 1,
    resetAfter: 10_000,
  })
  clock.advance(4000)
  t.strictSame(limiter.take('a'), {
    allowed: true,
    policy: 'cmd',
    limit: 2,
    remaining: 0,
    resetAfter: 10_000,
  })
  t.strictSame(limiter.take('a'), {
    allowed: false,
    policy: 'cmd',
    violated: ['cmd'],
    limit: 2,
    remaining: 0,
    resetAfter: 10_000,
    retryAfter: 6000,
  })
})

test('a limiter has its name, its policies with their defaults, and its store', async (t) => {
  const store = memoryStore()
  const limiter = createLimiter({ name: 'api' }, { store })
  t.equal(limiter.name, 'api')
  t.match(limiter.policies, [{ name: 'api', algorithm: 'token-bucket', rate: 100, per: 60_000, limit: 10 }])
  t.equal(limiter.policies.length, 1)
  t.equal(limiter.store, store)
})

test('without a store, each limiter gets its own; limiters that share a store share no keys', async (t) => {
  const alone = [1, 2].map(() => createLimiter({ name: 'same', rate: 1 }))
  t.not(alone[0].store, alone[1].store)

  const store = memoryStore({ clock: new ManualClock() })
  const [one, two] = [1, 2].map(() => createLimiter({ name: 'same', rate: 1 }, { store }))
  t.ok(one.take('a').allowed)
  t.notOk(one.take('a').allowed)
  t.ok(two.take('a').allowed, 'the same name, policy, key and store, and yet a key space of its own')
  t.equal(store.stats().keys, 2)
})

test('peek returns the decision that take would return, and charges nothing', async (t) => {
  const { limiter } = limiterOf({ name: 'api', rate: 60, burst: 3 })
  const before = limiter.peek('a')
  t.strictSame(limiter.peek('a'), before)
  t.strictSame(before, { allowed: true, policy: 'api', limit: 3, remaining: 3, resetAfter: 0 })
  limiter.take('a', { cost: 3 })
  t.strictSame(limiter.peek('a', { cost: 2 }), limiter.take('a', { cost: 2 }), 'a denial, word for word')
})

test('a call with cost 0 always passes, and one with more than the limit never does', async (t) => {
  const { limiter } = limiterOf({ name: 'api', rate: 60, burst: 3 })
  t.match(limiter.take('a', { cost: 3 }), { allowed: true, remaining: 0 })
  t.match(limiter.take('a', { cost: 0 }), { allowed: true, remaining: 0 })
  t.match(limiter.take('a', {}), { allowed: false, retryAfter: 1000 }, 'a cost that is left out is 1')
  t.match(limiter.take('b', { cost: 4 }), {
    allowed: false,
    remaining: 3,
    retryAfter: Number.POSITIVE_INFINITY,
  })
  t.match(limiter.peek('b'), { allowed: true, remaining: 3 })
})

test('refund gives units back to every policy, and never more than were spent', async (t) => {
  const { limiter } = limiterOf({
    name: 'api',
    policies: [
      { rate: 60, burst: 5 },
      { algorithm: 'sliding-window', rate: 8, per: 'hour' },
    ],
  })
  const remaining = () => [5, 8].map((limit) => spendable(limiter.peek.bind(limiter), limit))
  limiter.take('a', { cost: 4 })
  t.strictSame(remaining(), [1, 1])
  limiter.refund('a')
  t.strictSame(remaining(), [2, 2], 'one unit unless told otherwise')
  limiter.refund('a', 2)
  t.strictSame(remaining(), [4, 4])
  limiter.refund('a', 0)
  t.strictSame(remaining(), [4, 4])
  limiter.refund('a', 100)
  limiter.refund('never seen', 100)
  t.match(limiter.peek('a'), { allowed: true, limit: 5, remaining: 5, resetAfter: 0 })
  t.match(limiter.peek('never seen'), { allowed: true, limit: 5, remaining: 5 })
  t.notOk(limiter.take('a', { cost: 6 }).allowed)
})

/** The largest cost up to `most` that would be allowed. */
function spendable(peek: (key: string, options: TakeOptions) => Decision, most: number): number {
  let cost = most
  while (!peek('a', { cost }).allowed) cost--
  return cost
}

test('reset forgets a key in every policy, and no other key', async (t) => {
  const { limiter } = limiterOf({
    name: 'api',
    policies: [
      { rate: 1, burst: 1 },
      { rate: 1, per: 'hour', burst: 1 },
    ],
  })
  for (const key of ['a', 'b']) limiter.take(key)
  limiter.reset('a')
  limiter.reset('never seen')
  t.ok(limiter.take('a').allowed)
  t.notOk(limiter.take('b').allowed)
})

test('a decision is a value: later calls do not change it', async (t) => {
  const { limiter } = limiterOf({
    name: 'api',
    policies: [
      { rate: 1, burst: 1 },
      { rate: 2, per: 'hour', burst: 2 },
    ],
  })
  limiter.take('a')
  const denied = limiter.take('a') as Denied
  const copy = structuredClone(denied)
  limiter.reset('a')
  limiter.take('b')
  t.strictSame(denied, copy)
})

test('a rate of 0 allows nothing, ever', async (t) => {
  const policies: PolicyOptions[] = [{ rate: 0 }, { rate: 0, algorithm: 'sliding-window' }]
  for (const policy of policies) {
    const { limiter, clock } = limiterOf({ name: 'closed', ...policy })
    clock.advance(1e9)
    t.match(limiter.take('a'), {
      allowed: false,
      limit: 0,
      remaining: 0,
      retryAfter: Number.POSITIVE_INFINITY,
    })
  }
})

test('a listener to a decision may ask, take and change the same limiter before the decision is returned', (t) => {
  const store = memoryStore({ clock: new ManualClock() })
  const policy = { rate: 2, per: 'hour', burst: 2 } as const
  const limiter = createLimiter({ name: 'asked', ...policy }, { store })
  let depth = 0
  const listen = () => {
    if (depth > 0) return
    depth++
    limiter.peek('b')
    limiter.take('b')
    depth--
  }
  subscribe('fastify-floodgate:decision', listen)
  t.teardown(() => unsubscribe('fastify-floodgate:decision', listen))
  t.same(
    [1, 2, 3, 4].map(() => limiter.take('a').allowed),
    [true, true, false, false],
  )
  t.match(limiter.peek('b'), { allowed: false })
  t.end()
})
