import type { Charge } from '../../types/index.js'
import { type SlidingWindow, type TokenBucket, tokenBucket } from '../policy/index.js'

/**
 * Writes the verdict of a token bucket. `tat`, `now` and `wait` are ticks. If it was charged, `tat` is the
 * new one. `wait` is the time until the units of the cost were there before that.
 */
export function bucketVerdict(
  charge: Charge,
  law: TokenBucket,
  tat: number,
  now: number,
  wait: number,
): void {
  const ticksPerMs = law.resolution * 1000
  const allowed = wait <= law.patience
  charge.allowed = allowed
  charge.blocked = false
  const out = tokenBucket.out(law, tat, now)
  charge.remaining = law.burst - out
  // Skip the divisions for a full bucket, the common case.
  charge.resetAfter = out === 0 ? 0 : Math.ceil(tokenBucket.resetAfter(tat, now) / ticksPerMs)
  charge.renewAfter = out === 0 ? 0 : Math.ceil(tokenBucket.renewAfter(law, tat, now, out) / ticksPerMs)
  charge.delay = wait === 0 || !allowed ? 0 : Math.ceil(wait / ticksPerMs)
  charge.retryAfter = allowed ? 0 : Math.ceil((wait - law.patience) / ticksPerMs)
}

/**
 * Writes the verdict of a sliding window or, by its conventions, of a concurrency policy. `used` is the
 * number of units that count, including those just charged. `oldest` and `newest` are the microseconds until
 * those units leave, and `wait` is those until the cost fits.
 */
export function windowVerdict(
  charge: Charge,
  law: SlidingWindow,
  used: number,
  oldest: number,
  newest: number,
  wait: number,
): void {
  charge.allowed = wait === 0
  charge.blocked = false
  charge.delay = 0
  // After a rate was lowered, more units may be used than it allows.
  charge.remaining = Math.max(0, law.rate - used)
  if (charge.bucket.policy.algorithm === 'concurrency') {
    writeConvention(charge, used, wait)
    return
  }
  charge.resetAfter = Math.ceil(newest / 1000)
  charge.renewAfter = Math.ceil(oldest / 1000)
  charge.retryAfter = wait === 0 ? 0 : Math.ceil(wait / 1000)
}

/** Milliseconds after which a client may ask again for units in progress. Nobody knows when work ends. */
const ASK_AGAIN = 1000

function writeConvention(charge: Charge, used: number, wait: number): void {
  charge.resetAfter = charge.renewAfter = used === 0 ? 0 : ASK_AGAIN
  charge.retryAfter = wait === 0 || wait === Number.POSITIVE_INFINITY ? wait : ASK_AGAIN
}

/** Writes the verdict of a key that is blocked for so many microseconds more. */
export function blockedVerdict(charge: Charge, left: number): void {
  charge.allowed = false
  charge.blocked = true
  charge.remaining = 0
  charge.delay = 0
  charge.resetAfter = charge.renewAfter = charge.retryAfter = Math.ceil(left / 1000)
}
