import fc from 'fast-check'
import { test } from 'tap'
import { compilePolicy } from '../../../../lib/policy/index.js'
import { Fallback, share } from '../../../../lib/store/redis/local/fallback.js'
import type { PolicyOptions } from '../../../../types/index.js'

const period = fc.constantFrom(1, 7, 1000, 60_000, 3_600_000, 86_400_000)
const rate = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1_000_000 }))
const policies: fc.Arbitrary<PolicyOptions> = fc.oneof(
  fc.record({ rate: fc.nat(1000), per: period, burst: fc.integer({ min: 1, max: 100_000 }) }),
  fc.record({ algorithm: fc.constant('sliding-window' as const), rate, per: period }),
)

function compiled(options: PolicyOptions) {
  try {
    return compilePolicy(options, 'tested')
  } catch {
    // Faster than any policy may be.
    return fc.pre(false)
  }
}

test('the shares of all instances together are the policy, but for one unit that each may have', async () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 10_000 }), (options, instances) => {
      const policy = compiled(options)
      if (policy === undefined) return false
      const part = share(policy, instances)
      const least = policy.limit === 0 ? 0 : 1
      const sameLaw =
        part.algorithm !== 'token-bucket'
          ? part.law.rate === part.limit && part.law.window === (policy.law as { window: number }).window
          : part.law.burst === part.limit && part.law.tolerance === part.limit * part.law.interval
      return (
        sameLaw &&
        part.name === policy.name &&
        part.limit === Math.max(least, Math.floor(policy.limit / instances))
      )
    }),
  )
})

test('a share of a bucket refills as many times slower as there are instances', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      period,
      fc.integer({ min: 1, max: 100 }),
      (rate, per, instances) => {
        const policy = compiled({ rate, per, burst: 100 })
        if (policy?.algorithm !== 'token-bucket') return false
        const part = share(policy, instances)
        if (part.algorithm !== 'token-bucket') return false
        const unit = part.law.interval / part.law.resolution
        const exact = (per * 1000 * instances) / rate
        return unit >= exact && unit <= exact * 1.00001
      },
    ),
  )
})

test('a share that would take too long to fill refills as the whole', (t) => {
  const policy = compilePolicy({ rate: 1, per: '365 days', burst: 70 }, 'slow')
  t.match(share(policy, 10), { limit: 7, per: policy.per * 10, law: { burst: 7 } }, '70 years can be counted')
  const { interval } = policy.law as { interval: number }
  const part = share(policy, 100)
  t.match(part, { limit: 1, per: policy.per, law: { burst: 1, interval, tolerance: interval } }, '100 cannot')
  t.end()
})

test('a share holds calls as long as the policy, blocks as long, and holds units in progress as long', (t) => {
  const held = compilePolicy({ rate: 60, burst: 10, wait: '2 seconds', block: '1 hour' }, 'held')
  const half = share(held, 2)
  t.match(half, { limit: 5, wait: 2000, block: { for: 3_600_000 }, law: { patience: 2_000_000 } })
  const work = compilePolicy({ algorithm: 'concurrency', limit: 5, hold: '10 seconds' }, 'work')
  t.match(share(work, 2), { algorithm: 'concurrency', limit: 2, law: { rate: 2, window: 10_000_000 } })
  t.end()
})

test('an instance alone has the whole policy', (t) => {
  for (const options of [
    { rate: 7, burst: 3 },
    { rate: 7, burst: 3, wait: '1 second', block: '1 minute' },
    { algorithm: 'concurrency', limit: 7 },
    { algorithm: 'sliding-window', rate: 7 },
    { rate: 0 },
  ] as const) {
    const policy = compilePolicy(options, 'tested')
    t.same(share(policy, 1), policy)
  }
  t.end()
})

test('a policy with a rate of 0 has no part that allows anything', (t) => {
  const policy = compilePolicy({ rate: 0 }, 'never')
  const fallback = new Fallback('local', 3)
  const local = fallback.open(policy, 'never')
  t.equal(local.policy.limit, 0)
  t.end()
})
