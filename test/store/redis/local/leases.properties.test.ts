import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { newCharge } from '../../../../lib/store/index.js'
import type { AsyncLimiter, Bucket } from '../../../../types/index.js'
import { limiterOf, serve, Times, turn } from '../one-server.js'

const policies = fc.record({
  rate: fc.integer({ min: 1, max: 30 }),
  per: fc.constantFrom(1, 7, 100, 1000, 3000),
  burst: fc.integer({ min: 1, max: 40 }),
})
const origins = fc.array(fc.constantFrom(0, 1, 3_600_000_000, 123_456_789), { minLength: 1, maxLength: 4 })
const steps = fc.array(
  fc.record({
    advance: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 40_000 }).map((micros) => micros / 1000) },
      { weight: 1, arbitrary: fc.constantFrom(100, 499, 500, 501, 1000, 5000) },
    ),
    store: fc.nat(3),
    verb: fc.constantFrom(
      'take' as const,
      'take' as const,
      'take' as const,
      'take' as const,
      'many' as const,
      'turn' as const,
      'close' as const,
      'refund' as const,
      'give back' as const,
    ),
    cost: fc.oneof(
      { weight: 5, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 }) },
    ),
  }),
  { minLength: 1, maxLength: 80, size: 'max' },
)

interface Unit {
  at: number
}

/**
 * Whether units admitted at those instants (µs) are within the law, over every interval between two of them.
 */
function isLawful(
  units: Unit[],
  { rate, per, burst }: { rate: number; per: number; burst: number },
): boolean {
  return units.every((from, i) =>
    units.slice(i).every(({ at }, j) => j + 1 <= burst + Math.floor(((at - from.at) * rate) / (per * 1000))),
  )
}

test('several processes with leases admit together what the law allows, and no more', async (t) => {
  const { client } = await serve(t)
  let lease = 0
  await fc.assert(
    fc.asyncProperty(
      policies,
      origins,
      fc.integer({ min: 2, max: 30 }),
      steps,
      async (policy, origins, most, steps) => {
        const times = new Times()
        const prefix = `leases-${process.pid}-${lease++}`
        const stores = origins.map((origin) => times.store(client, { prefix, lease: most }, origin))
        const limiters = stores.map((store) => limiterOf(store, policy))
        const admitted: Unit[] = []
        const take = async (limiter: AsyncLimiter, cost: number) => {
          const { allowed } = await limiter.take('key', { cost })
          if (allowed) for (let i = 0; i < cost; i++) admitted.push({ at: times.passed })
        }
        for (const { advance, store, verb, cost } of steps) {
          times.advance(advance)
          const chosen = store % stores.length
          if (verb === 'close') await stores[chosen].close()
          else if (verb === 'take') await take(limiters[chosen], cost)
          else if (verb === 'many')
            await Promise.all(Array.from({ length: 4 }, () => take(limiters[chosen], 1)))
          else if (verb === 'turn') await turn(client)
          else if (verb === 'refund') await takeAndGiveBack(limiters[chosen])
          else {
            // The newest units are as good as not admitted then.
            const units = admitted.splice(Math.max(0, admitted.length - cost)).length
            await limiters[chosen].refund('key', units)
          }
        }
        await Promise.all(stores.map((store) => store.close()))
        assert.ok(isLawful(admitted, policy))
      },
    ),
    { numRuns: 250 },
  )
})

/** A unit that is given back was not admitted, and leaves nothing behind. */
async function takeAndGiveBack(limiter: AsyncLimiter): Promise<void> {
  const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
  const charge = { ...newCharge(bucket), key: 'key' }
  if (await limiter.store.take([charge])) await limiter.store.refund([charge])
}

test('a client that saturates several processes is denied no more than they hold back', async (t) => {
  const { client } = await serve(t)
  let run = 0
  const few = fc.record({
    rate: fc.integer({ min: 5, max: 50 }),
    per: fc.constant(1000),
    burst: fc.integer({ min: 10, max: 60 }),
  })
  await fc.assert(
    fc.asyncProperty(
      few,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 2, max: 10 }),
      async (policy, count, most) => {
        const times = new Times()
        const prefix = `saturated-${process.pid}-${run++}`
        const stores = Array.from({ length: count }, (_, i) =>
          times.store(client, { prefix, lease: most }, i),
        )
        const limiters = stores.map((store) => limiterOf(store, policy))
        let admitted = 0
        const saturate = async () => {
          let before = -1
          while (before !== admitted) {
            before = admitted
            for (const limiter of limiters) if ((await limiter.take('key')).allowed) admitted++
            // Renewals come back.
            await turn(client)
          }
        }
        for (let i = 0; i < 30; i++) {
          await saturate()
          times.advance(50)
        }
        await saturate()
        const law = policy.burst + Math.floor((1500 * policy.rate) / policy.per)
        assert.ok(admitted <= law)
        assert.ok(admitted >= law - count * (most - 1), `${admitted} of ${law}, ${count} x ${most}`)
        await Promise.all(stores.map((store) => store.close()))
      },
    ),
    { numRuns: 40 },
  )
})
