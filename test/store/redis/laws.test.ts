import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { createLimiter } from '../../../lib/index.js'
import type { AsyncLimiter, PolicyOptions } from '../../../types/index.js'
import { keysOf } from '../../fixtures/redis/monitor.js'
import { limiterOf, serve, storeOf, Times } from './one-server.js'

const PREFIX = 'deployed'

/** Takes until it is denied; returns the units. */
async function drain(limiter: AsyncLimiter, key = 'key'): Promise<number> {
  for (let units = 0; ; units++) if (!(await limiter.take(key)).allowed) return units
}

/** Most units that a policy admits to a client that asks all the time for so many ms, both ends included. */
function lawful({ algorithm, rate = 0, per, burst = 0 }: PolicyOptions, ms: number): number {
  const units = (ms * rate) / (per as number)
  return algorithm === 'sliding-window'
    ? rate * (Math.floor(ms / (per as number)) + 1)
    : burst + Math.floor(units)
}

const window = (rate: number, per: number): PolicyOptions => ({ algorithm: 'sliding-window', rate, per })
const bucket = (rate: number, per: number, burst: number): PolicyOptions => ({ rate, per, burst })

const PAIRS: Record<string, [PolicyOptions, PolicyOptions]> = {
  'a smaller burst': [bucket(10, 1000, 100), bucket(10, 1000, 5)],
  'a slower rate': [bucket(100, 1000, 20), bucket(3, 1000, 20)],
  'a faster rate that is counted in finer ticks': [bucket(1000, 1000, 50), bucket(99_991, 100_000, 60)],
  'a shorter window': [window(5, 10_000), window(5, 200)],
  'a window instead of a bucket': [bucket(10, 1000, 10), window(10, 1000)],
}

for (const [name, policies] of Object.entries(PAIRS)) {
  test(`two laws of one limiter, side by side, each admit what they allow and no more: ${name}`, async (t) => {
    const { client } = await serve(t)
    const times = new Times()
    const limiters = policies.map((policy) => limiterOf(times.store(client, { prefix: PREFIX }), policy))
    const admitted = [0, 0]
    for (let ms = 0; ms <= 5000; ms += 50) {
      for (const [i, limiter] of limiters.entries()) admitted[i] += await drain(limiter)
      times.advance(50)
    }
    t.same(
      admitted,
      policies.map((policy) => lawful(policy, 5000)),
    )
  })
}

test('in a rolling deploy each version enforces its own law', async (t) => {
  const { client } = await serve(t)
  for (const [before, after] of Object.values(PAIRS)) {
    const times = new Times()
    const start = (policy: PolicyOptions) => limiterOf(times.store(client, { prefix: PREFIX }), policy)
    const processes = [before, before, before].map((policy) => ({ policy, limiter: start(policy) }))
    const admitted = new Map([
      [before, 0],
      [after, 0],
    ])
    for (let ms = 0; ms <= 4000; ms += 50) {
      // One process after the other is replaced, second by second.
      const replaced = ms / 1000 - 1
      if (Number.isInteger(replaced) && replaced >= 0 && replaced < 3)
        processes[replaced] = { policy: after, limiter: start(after) }
      for (const { policy, limiter } of processes)
        admitted.set(policy, (admitted.get(policy) as number) + (await drain(limiter, 'deploy')))
      times.advance(50)
    }
    t.ok((admitted.get(before) as number) <= lawful(before, 3000))
    t.ok((admitted.get(after) as number) <= lawful(after, 3000))
    await (client as unknown as { flushall(): Promise<unknown> }).flushall()
  }
})

const takes = fc.array(
  fc.record({
    advance: fc.oneof(fc.constant(0), fc.constantFrom(1, 99, 100, 250), fc.integer({ min: 0, max: 1000 })),
    which: fc.nat(1),
    cost: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 40 })),
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
)

test('two rates of one window count the same units, and each is exact for itself', async (t) => {
  const { client } = await serve(t)
  let run = 0
  const rates = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 40 }))
  await fc.assert(
    fc.asyncProperty(rates, takes, async (rates, takes) => {
      const times = new Times()
      const prefix = `rates-${run++}`
      const limiters = rates.map((rate) =>
        limiterOf(times.store(client, { prefix, denyCache: 0 }), window(rate, 1000)),
      )
      let units: number[] = []
      for (const { advance, which, cost } of takes) {
        times.advance(advance)
        units = units.filter((at) => times.passed - at < 1_000_000)
        const rate = rates[which]
        const excess = units.length + cost - rate
        const allowed = cost === 0 || excess <= 0
        const wait = cost > rate ? Number.POSITIVE_INFINITY : units[excess - 1] + 1_000_000 - times.passed
        const { remaining, ...decision } = await limiters[which].take('key', { cost })
        assert.equal(decision.allowed, allowed)
        if (allowed) for (let i = 0; i < cost; i++) units.push(times.passed)
        else assert.equal('retryAfter' in decision && decision.retryAfter, Math.ceil(wait / 1000))
        assert.equal(remaining, Math.max(0, rate - units.length))
      }
    }),
    { numRuns: 100 },
  )
})

test('a law has one name, however it is written, and another law has another', async (t) => {
  const { server, client } = await serve(t)
  const name = (policy: PolicyOptions) => {
    const store = storeOf(client, { prefix: PREFIX })
    return createLimiter({ ...policy, name: 'api' }, { store })
      .storeKey('key')
      .split(':')[2]
  }
  t.equal(name({ rate: 100, per: 'minute' }), 'b10-600')
  t.equal(name({ rate: 100, per: 60_000, burst: 10 }), 'b10-600')
  t.equal(name({ rate: 200, per: '2 minutes', burst: 10 }), 'b10-600')
  t.equal(name({ rate: 3, per: 'second', burst: 9 }), 'b9-1000/3')
  t.equal(name({ rate: 1, per: 0.007, burst: 2 }), 'b2-0.007')
  t.equal(name({ rate: 0 }), 'b0-0')
  t.equal(name({ rate: 100, per: 'minute', burst: 11 }), 'b11-600')
  t.equal(name({ rate: 101, per: 'minute', burst: 10 }), 'b10-60000/101')
  t.equal(name({ algorithm: 'sliding-window', rate: 5, per: 'minute' }), 'w60000')
  t.equal(name({ algorithm: 'sliding-window', rate: 6, per: 'minute' }), 'w60000')
  t.equal(name({ algorithm: 'sliding-window', rate: 5, per: 1234.567 }), 'w1234.567')
  t.equal((await keysOf(server)).size, 0)
})

test('limiters of one name share their keys where their laws are the same, whatever the order', async (t) => {
  const { client } = await serve(t)
  const [slow, fast] = [
    { name: 'api', rate: 5, per: 'day', burst: 5 },
    { name: 'api', rate: 9, per: 'day', burst: 9 },
  ] as const
  const [one, other] = [
    [slow, fast],
    [fast, slow],
  ].map((policies) => {
    const store = storeOf(client, { prefix: PREFIX })
    return policies.map((policy) => createLimiter(policy, { store }))
  })
  await one[0].take('key', { cost: 4 })
  t.match(await other[1].peek('key'), { remaining: 1 })
  t.match(await other[0].peek('key'), { remaining: 9 })
})
