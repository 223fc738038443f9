import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import { newCharge } from '../../../../lib/store/index.js'
import type { Bucket } from '../../../../types/index.js'
import { resetCounts, scriptsOf } from '../../../fixtures/redis/monitor.js'
import { Model } from '../../model.js'
import { limiterOf, serve, Times, turn } from '../one-server.js'

const DAY = 86_400_000

test('units that a process holds itself do not make it deny what the key still has', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { lease: 20 })
  const limiter = limiterOf(store, { rate: 6, per: 'day', burst: 6 })
  await limiter.take('key')
  await limiter.take('key')
  t.match(await limiter.peek('key', { cost: 4 }), { allowed: true, remaining: 4 })
  t.match(await limiter.take('key', { cost: 4 }), { allowed: true, remaining: 0 })
  t.match(await limiter.take('key'), { allowed: false, retryAfter: DAY / 6 })
  times.advance(DAY / 6)
  t.match(await limiter.take('key'), { allowed: true })
})

test('nor does a group of limiters, one of which is leased', async (t) => {
  const { client } = await serve(t)
  const store = new Times().store(client, { lease: 20 })
  const limiter = limiterOf(store, { name: 'leased', rate: 6, per: 'day', burst: 6 })
  const window = limiterOf(store, { name: 'window', algorithm: 'sliding-window', rate: 100, per: 'day' })
  await limiter.take('key')
  await limiter.take('key')
  const charges = [limiter, window].map((one) => {
    const [bucket] = (one as unknown as { buckets: Bucket[] }).buckets
    return { ...newCharge(bucket), key: 'key', cost: 4 }
  })
  t.equal(await store.take(charges), true)
  t.match(charges, [{ remaining: 0 }, { remaining: 96 }])
})

/** A process that holds units of a key and is about to ask for more, and one that holds none. */
async function holder(client: RedisClient, burst: number) {
  const times = new Times()
  const policy = { rate: 1, per: 'day', burst } as const
  const store = times.store(client, { prefix: 'holder', lease: 20, denyCache: 0 })
  const limiter = limiterOf(store, policy)
  const other = (lease: number) => limiterOf(times.store(client, { prefix: 'holder', lease }), policy)
  // As in renewal.test.ts: the last of them fills the lease with 19 units.
  for (let i = 0; i < 32; i++) await limiter.take('key')
  const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
  const spend = (units: number) => {
    const charge = { ...newCharge(bucket), key: 'key' }
    for (let i = 0; i < units; i++) if (store.take([charge]) !== true) throw new Error('not held')
    return charge.remaining
  }
  return { store, limiter, other, spend }
}

test('units that are granted while a call is under way are given back for it', async (t) => {
  for (const excess of [0, 1]) {
    const { server, client } = await serve(t)
    const { limiter, spend } = await holder(client, 100)
    await resetCounts(server)
    const left = spend(14)
    t.equal(left, 100 - 32 - 14)
    // Now the renewal is on its way.
    await new Promise((resolve) => setImmediate(resolve))
    const decision = await limiter.take('key', { cost: left + excess })
    const denied = { allowed: false, remaining: left, retryAfter: DAY }
    t.match(decision, excess === 0 ? { allowed: true, remaining: 0 } : denied)
    t.equal(await scriptsOf(server), 3, 'the renewal, a denial, and once more')
  }
})

test('so they are for a call about several limiters', async (t) => {
  const { client } = await serve(t)
  const { store, limiter, spend } = await holder(client, 100)
  const window = limiterOf(store, { name: 'window', algorithm: 'sliding-window', rate: 100, per: 'day' })
  const left = spend(14)
  await new Promise((resolve) => setImmediate(resolve))
  const charges = [limiter, window].map((one) => {
    const [bucket] = (one as unknown as { buckets: Bucket[] }).buckets
    return { ...newCharge(bucket), key: 'key', cost: left }
  })
  t.equal(await store.take(charges), true)
  t.match(charges, [{ remaining: 0 }, { remaining: 100 - left }])
})

test('units that others hold above ours stay with us, and are spent here', async (t) => {
  const { client } = await serve(t)
  const { store, limiter, other, spend } = await holder(client, 1000)
  const above = other(20)
  for (let i = 0; i < 3; i++) await above.take('key')
  for (const _ of [1, 2]) t.match(await limiter.take('key', { cost: 20 }), { allowed: true })
  spend(5)
  await above.store.close()
  await store.close()
})

test('units that cannot be given back come back by themselves', async (t) => {
  const { client } = await serve(t)
  const { store, other, spend } = await holder(client, 1000)
  const io = client as unknown as { evalsha(...args: unknown[]): Promise<unknown> }
  const evalsha = io.evalsha.bind(io)
  let isBroken = true
  t.intercept(io, 'evalsha', {
    value: (...args: unknown[]) => (isBroken ? Promise.reject(new Error('no')) : evalsha(...args)),
  })
  spend(1)
  await store.close()
  isBroken = false
  t.match(await other(1).peek('key', { cost: 0 }), { remaining: 1000 - 32 - 19 })
})

const policies = fc.record({
  name: fc.constant('p'),
  rate: fc.integer({ min: 1, max: 30 }),
  per: fc.constantFrom(1, 7, 100, 1000, 3000),
  burst: fc.integer({ min: 1, max: 40 }),
})
const steps = fc.array(
  fc.record({
    advance: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 40_000 }).map((micros) => micros / 1000) },
      { weight: 1, arbitrary: fc.constantFrom(100, 499, 500, 501, 1000, 5000) },
    ),
    verb: fc.constantFrom('take', 'take', 'take', 'take', 'many', 'turn', 'peek', 'close'),
    cost: fc.oneof(
      { weight: 3, arbitrary: fc.constant(1) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 41 }) },
    ),
  }),
  { minLength: 1, maxLength: 80, size: 'max' },
)

/** What a call is told with leases, and what it must be told. */
type Told = [decision: unknown, expected: unknown]

test('a process that is alone is told what it would be told without leases, whatever it asks for', async (t) => {
  const { client } = await serve(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(policies, fc.integer({ min: 2, max: 30 }), steps, async (policy, lease, steps) => {
      const times = new Times()
      const store = times.store(client, { prefix: `own-${process.pid}-${run++}`, lease })
      const limiter = limiterOf(store, policy)
      const model = new Model(limiter.policies)
      const verbs: Record<string, (cost: number) => Promise<Told | undefined>> = {
        take: async (cost) => [await limiter.take('key', { cost }), model.take('key', cost)],
        peek: async (cost) => [await limiter.peek('key', { cost }), model.peek('key', cost)],
        many: async () => {
          const decisions = await Promise.all([1, 2, 3, 4].map(() => limiter.take('key')))
          return [decisions.map(({ allowed }) => allowed), decisions.map(() => model.take('key', 1).allowed)]
        },
        turn: async () => void (await turn(client)),
        close: async () => void (await store.close()),
      }
      for (const { advance, verb, cost } of steps) {
        times.advance(advance)
        model.advance(advance)
        const told = await verbs[verb](cost)
        if (told !== undefined) assert.deepEqual(told[0], told[1])
      }
      await store.close()
    }),
    { numRuns: 250 },
  )
})
