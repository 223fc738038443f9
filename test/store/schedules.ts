import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AnyLimiter, Policy, PolicyOptions } from '../../types/index.js'
import type { ManualClock } from '../fixtures/manual-clock.js'
import { Model } from './model.js'

type Verb = 'take' | 'peek' | 'refund' | 'reset'

/** Moves the clock, then calls. */
export interface Call {
  advance: number
  verb: Verb
  key: string
  cost: number
}

const HOUR = 3_600_000

/**
 * Periods in ms, one of them a single microsecond above a millisecond; 100 ms at rate 4 meets the steps of
 * `advance`.
 */
const per = fc.constantFrom(1, 1.001, 7, 100, 1000, 60_000)
const bucket = fc.record({
  rate: fc.integer({ min: 1, max: 20 }),
  per,
  burst: fc.integer({ min: 1, max: 12 }),
})
const window = fc.record({
  algorithm: fc.constant('sliding-window' as const),
  rate: fc.constantFrom(0, 1, 2, 3, 5, 9),
  per,
})

const policies: fc.Arbitrary<PolicyOptions[]> = fc
  .array(fc.oneof(bucket, window), { minLength: 1, maxLength: 3 })
  .map((list) => list.map((policy, i) => ({ name: `policy ${i}`, ...policy })))

const advance = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.constantFrom(0.001, 0.999, 1, 5, 7, 24.999, 25, 50, 99.999, 100, 1000, 60_000) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2_000_000 }).map((micros) => micros / 1000) },
  { weight: 1, arbitrary: fc.constantFrom(-0.001, -1, -100, -HOUR) },
)

/** Some policies, and calls about a few keys on a clock that now and then steps back. */
export function schedules(verbs: 'all verbs' | 'take only') {
  const others: Verb[] = verbs === 'all verbs' ? ['peek', 'refund', 'reset'] : []
  const verb = fc.constantFrom<Verb>('take', 'take', 'take', 'take', 'take', ...others)
  const cost = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(13) })
  const call: fc.Arbitrary<Call> = fc.record({ advance, verb, key: fc.constantFrom('a', 'b', 'ab'), cost })
  return fc.record({ policies, calls: fc.array(call, { minLength: 1, maxLength: 60, size: 'max' }) })
}

/**
 * Makes the calls; each answer must be that of the model, to the last field. A peek before each call lets the
 * store see every step of the clock: those that nobody reads are nobody's to judge.
 */
export async function followsTheModel(limiter: AnyLimiter, clock: ManualClock, calls: Call[]): Promise<void> {
  const model = new Model(limiter.policies)
  for (const { advance, verb, key, cost } of calls) {
    clock.advance(advance)
    model.advance(advance)
    assert.deepEqual(await limiter.peek(key, { cost }), model.peek(key, cost))
    if (verb === 'take') assert.deepEqual(await limiter.take(key, { cost }), model.take(key, cost))
    if (verb === 'refund') {
      await limiter.refund(key, cost)
      model.refund(key, cost)
    }
    if (verb === 'reset') {
      await limiter.reset(key)
      model.reset(key)
    }
  }
}

/**
 * Takes by the schedule; each key's admitted units, whatever interval they are counted over, must be within
 * every law.
 */
export async function staysBelowTheLaw(
  limiter: AnyLimiter,
  clock: ManualClock,
  calls: Call[],
): Promise<void> {
  const log = new Map<string, { at: number; cost: number }[]>()
  let at = 0
  for (const { advance, key, cost } of calls) {
    clock.advance(advance)
    at += Math.max(0, Math.round(advance * 1000))
    if (!(await limiter.take(key, { cost })).allowed) continue
    const admitted = [...(log.get(key) ?? []), { at, cost }]
    log.set(key, admitted)
    // Every interval that ends here.
    let units = 0
    for (const { at: from, cost } of admitted.toReversed()) {
      units += cost
      for (const policy of limiter.policies) assert.ok(units <= most(policy, at - from), policy.name)
    }
  }
}

/** Most units that a policy may ever admit in an interval of that many microseconds, both ends included. */
function most({ algorithm, rate, per, limit }: Policy, micros: number): number {
  const period = Math.round(per * 1000)
  if (algorithm === 'token-bucket') return limit + Math.floor((micros * rate) / period)
  return micros < period ? limit : Number.POSITIVE_INFINITY
}
