import type { Charge } from '../../../types/index.js'
import { type TokenBucket, tokenBucket } from '../../policy/index.js'
import { totalCost } from '../charge.js'
import { blockedVerdict, bucketVerdict, windowVerdict } from '../verdict.js'
import type { RedisBucket } from './buckets.js'
import type { Reply } from './transport/reply.js'

/**
 * What the script said of a key before a call, at the local time `at` (microseconds, not later than it was
 * so).
 */
export type KeyState = BucketState | WindowState | BlockedState

/** A key that is blocked, whatever its law. */
export interface BlockedState {
  readonly at: number
  /** Microseconds until the block ends. */
  readonly left: number
}

interface BucketState {
  readonly at: number
  /** The cost that was asked, of all charges of the call to this key together. */
  readonly cost: number
  /** Ticks until the bucket is full. */
  readonly owed: number
}

interface WindowState {
  readonly at: number
  readonly cost: number
  /** Units that count. */
  readonly used: number
  /** Microseconds until the oldest and the newest of them leave. */
  readonly oldest: number
  readonly newest: number
  /** Microseconds until the cost fits. */
  readonly wait: number
}

/**
 * Reads what the script said of the charges of a take or peek, and writes their verdicts: the law that judged
 * there is the same here. Returns whether all were allowed.
 */
export function readVerdicts(
  charges: readonly Charge[],
  reply: Reply,
  commit: boolean,
  states: KeyState[],
): boolean {
  let allowed = true
  for (const charge of charges) {
    const state = readState(charge, totalCost(charges, charge), reply)
    states.push(state)
    charge.source = 'store'
    if (!judge(charge, state)) allowed = false
  }
  if (!allowed || !commit) return allowed
  for (let i = 0; i < charges.length; i++) writeCharged(charges, i, states[i], reply.now)
  return true
}

/**
 * Writes the verdict of a take from one token bucket that owed so many ticks before it. Returns what is known
 * if it is denied, and what the bucket owes then if it is allowed.
 */
export function takeVerdict(charge: Charge, reply: Reply, owed: number): BucketState | BlockedState | number {
  const { cost } = charge
  const law = (charge.bucket as RedisBucket).policy.law as TokenBucket
  charge.source = 'store'
  if (owed < 0) {
    blockedVerdict(charge, -owed)
    return { at: reply.sentAt, left: -owed }
  }
  const wait = tokenBucket.wait(law, owed, 0, cost)
  if (wait > law.patience) {
    bucketVerdict(charge, law, owed, 0, wait)
    return { at: reply.sentAt, cost, owed }
  }
  return writeChargedBucket(charge, law, owed, cost, wait, reply.now)
}

function readState({ bucket }: Charge, cost: number, reply: Reply): KeyState {
  const at = reply.sentAt
  const first = reply.read()
  if (bucket.policy.algorithm === 'token-bucket')
    return first < 0 ? { at, left: -first } : { at, cost, owed: first }
  const used = first
  const oldest = reply.read()
  const newest = reply.read()
  const wait = reply.read()
  if (first < 0) return { at, left: -first }
  const never = cost > bucket.policy.limit
  return { at, used, oldest, newest, wait: never ? Number.POSITIVE_INFINITY : wait, cost }
}

/** Writes the verdict of a charge that is not charged. */
function judge(charge: Charge, state: KeyState): boolean {
  const { law } = (charge.bucket as RedisBucket).policy
  if ('left' in state) {
    blockedVerdict(charge, state.left)
  } else if ('owed' in state) {
    const wait = tokenBucket.wait(law as TokenBucket, state.owed, 0, state.cost)
    bucketVerdict(charge, law as TokenBucket, state.owed, 0, wait)
  } else if ('window' in law) {
    windowVerdict(charge, law, state.used, state.oldest, state.newest, state.wait)
  }
  return charge.allowed
}

/**
 * Writes the verdict of a charge of a call that was allowed, after its own charge and those to the same key
 * before it.
 */
function writeCharged(charges: readonly Charge[], i: number, state: KeyState, now: number): void {
  const charge = charges[i]
  const { law } = (charge.bucket as RedisBucket).policy
  const spent = totalCost(charges.slice(0, i + 1), charge)
  if ('owed' in state) {
    const wait = charge.cost === 0 ? 0 : tokenBucket.wait(law as TokenBucket, state.owed, 0, spent)
    writeChargedBucket(charge, law as TokenBucket, state.owed, spent, wait, now)
  } else if ('used' in state && 'window' in law) {
    const { window } = law
    const oldest = state.used > 0 || spent === 0 ? state.oldest : window
    windowVerdict(charge, law, state.used + spent, oldest, spent > 0 ? window : state.newest, 0)
    if (charge.cost > 0) charge.chargedAt = now
  }
}

/**
 * Writes the verdict of a charge to a bucket that owed so many ticks, after `spent` units, for which it waits
 * so many ticks; returns what the bucket owes then.
 */
function writeChargedBucket(
  charge: Charge,
  law: TokenBucket,
  owed: number,
  spent: number,
  wait: number,
  now: number,
): number {
  const tat = tokenBucket.charge(law, owed, 0, spent)
  bucketVerdict(charge, law, tat, 0, wait)
  if (charge.cost > 0) charge.chargedAt = now + Math.ceil(tat / law.resolution)
  return tat
}

/** Whether the denial of a charge begins a block. A denial that no wait would help begins none. */
export function isBlocking({ allowed, blocked, retryAfter, bucket }: Charge): boolean {
  return !allowed && !blocked && bucket.policy.block !== null && retryAfter !== Number.POSITIVE_INFINITY
}

/**
 * Microseconds for which it is believed that a cost never fits: what is left beside it changes as others
 * charge.
 */
const NEVER_FOR = 1_000_000

/**
 * Writes the verdict that the store would give at a later local time if nobody else has charged the key, and
 * returns whether it allows; undefined where that is not known.
 */
export function predict(charge: Charge, cost: number, state: KeyState, now: number): boolean | undefined {
  const elapsed = now - state.at
  if ('left' in state) {
    const left = state.left - elapsed
    return left > 0 ? judge(charge, { at: now, left }) : undefined
  }
  if (cost > charge.bucket.policy.limit && elapsed >= NEVER_FOR) return undefined
  if ('owed' in state) {
    const law = (charge.bucket as RedisBucket).policy.law as TokenBucket
    return judge(charge, { at: now, cost, owed: Math.max(0, state.owed - elapsed * law.resolution) })
  }
  // A window stays as it is until its oldest unit leaves.
  const { used, oldest, newest, wait } = state
  if (state.cost !== cost || (used > 0 && elapsed >= oldest)) return undefined
  const rest = { oldest: oldest - elapsed, newest: newest - elapsed, wait: Math.max(0, wait - elapsed) }
  return judge(charge, { at: now, used, cost, ...(used > 0 ? rest : state) })
}
