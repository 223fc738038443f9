import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AnyLimiter, Policy, PolicyOptions } from '../../types/index.js'
import type { ManualClock } from '../fixtures/manual-clock.js'
import { Model } from './model.js'

type Verb = 'take' | 'peek' | 'refund' | 'reset' | 'block'

/** Parts of policies that a store may not have yet. */
export type Feature = 'wait' | 'concurrency' | 'block'

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
const bucket = {
  rate: fc.integer({ min: 1, max: 20 }),
  per,
  burst: fc.integer({ min: 1, max: 12 }),
}
const window = {
  algorithm: fc.constant('sliding-window' as const),
  rate: fc.constantFrom(0, 1, 2, 3, 5, 9),
  per,
}
const concurrency = {
  algorithm: fc.constant('concurrency' as const),
  limit: fc.constantFrom(0, 1, 2, 3, 5, 9),
  hold: per,
}
const wait = fc.constantFrom(0.001, 1, 10, 100, 1000, 60_000)
const length = fc.constantFrom(0.001, 1, 7.001, 100, 1000)
const growing = fc.record({
  for: length,
  factor: fc.constantFrom(1, 1.5, 2, 10),
  max: fc.constantFrom(1000, 5000, 366 * 24 * HOUR),
  forget: fc.constantFrom(0.001, 1, 100, 60_000, 366 * 24 * HOUR),
})
const block = fc.oneof(length, growing)

/** One policy to three of them, with the parts that the store has. */
function policies(has: readonly Feature[]): fc.Arbitrary<PolicyOptions[]> {
  const kinds: fc.Arbitrary<PolicyOptions>[] = [fc.record(bucket), fc.record(window)]
  if (has.includes('wait')) kinds.push(fc.record({ ...bucket, wait }))
  if (has.includes('concurrency')) kinds.push(fc.record(concurrency))
  if (has.includes('block')) kinds.push(fc.record({ ...bucket, block }), fc.record({ ...window, block }))
  if (has.includes('block') && has.includes('wait')) kinds.push(fc.record({ ...bucket, block, wait }))
  return fc
    .array(fc.oneof(...kinds), { minLength: 1, maxLength: 3 })
    .map((list) => list.map((policy, i) => ({ name: `policy ${i}`, ...policy })))
}

const advance = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.constantFrom(0.001, 0.999, 1, 5, 7, 24.999, 25, 50, 99.999, 100, 1000, 60_000) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2_000_000 }).map((micros) => micros / 1000) },
  { weight: 1, arbitrary: fc.constantFrom(-0.001, -1, -100, -HOUR) },
)

/** One policy that holds calls, and takes of a few keys. */
export function heldSchedules() {
  const policy = fc.record({ ...bucket, wait }).map((policy) => [{ name: 'held', ...policy }])
  return fc.record({ policies: policy, calls: callsOf(['take']) })
}

/** Some policies, and calls about a few keys on a clock that now and then steps back. */
export function schedules(verbs: 'all verbs' | 'take only', has: readonly Feature[] = []) {
  const others: Verb[] = verbs === 'all verbs' ? ['peek', 'refund', 'reset'] : []
  if (verbs === 'all verbs' && has.includes('block')) others.push('block')
  return fc.record({
    policies: policies(has),
    calls: callsOf(['take', 'take', 'take', 'take', 'take', ...others]),
  })
}

function callsOf(verbs: readonly Verb[]): fc.Arbitrary<Call[]> {
  const verb = fc.constantFrom<Verb>(...verbs)
  const cost = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(13) })
  const call: fc.Arbitrary<Call> = fc.record({ advance, verb, key: fc.constantFrom('a', 'b', 'ab'), cost })
  return fc.array(call, { minLength: 1, maxLength: 60, size: 'max' })
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
    if (verb === 'block') {
      await limiter.block(key, 50 * (cost + 1))
      model.block(key, 50 * (cost + 1))
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

/**
 * Takes by the schedule with one policy. Calls that are held go on in the order in which they came, never
 * later than the policy says, and when they do, there are never more of them than the law allows.
 */
export async function heldCallsStayBelowTheLaw(
  limiter: AnyLimiter,
  clock: ManualClock,
  calls: Call[],
): Promise<void> {
  const [policy] = limiter.policies
  const log = new Map<string, { at: number; cost: number }[]>()
  let now = 0
  for (const { advance, key, cost } of calls) {
    clock.advance(advance)
    now += Math.max(0, Math.round(advance * 1000))
    const decision = await limiter.take(key, { cost })
    if (!decision.allowed || cost === 0) continue
    const { delay = 0 } = decision
    assert.ok(delay <= Math.ceil(policy.wait))
    const gone = log.get(key) ?? []
    // Delays are rounded up to a millisecond: the next call may have been told less of one.
    const at = now + 1000 * delay
    assert.ok(at > (gone.at(-1)?.at ?? 0) - 1000, 'first come, first served')
    const admitted = [...gone, { at, cost }]
    log.set(key, admitted)
    let units = 0
    for (const { at: from, cost } of admitted.toReversed()) {
      units += cost
      assert.ok(units <= most({ ...policy, wait: 0 }, Math.max(0, at - from) + 999))
    }
  }
}

/**
 * Most units that a policy may ever charge in an interval of that many microseconds, both ends included.
 * Calls that are held are charged before their units have come back.
 */
function most({ algorithm, rate, per, limit, wait }: Policy, micros: number): number {
  const period = Math.round(per * 1000)
  const early = Math.round(wait * 1000)
  if (algorithm === 'token-bucket') return limit + Math.floor(((micros + early) * rate) / period)
  return micros < period ? limit : Number.POSITIVE_INFINITY
}
