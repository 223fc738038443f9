import type { Charge } from '../../types/index.js'
import { type SlidingWindow, type TokenBucket, tokenBucket } from '../policy/index.js'

/**
 * Writes the verdict of a token bucket. `tat`, `now` and `wait` are ticks. If it was charged, `tat` is the
 * new one.
 */
export function bucketVerdict(
  charge: Charge,
  law: TokenBucket,
  tat: number,
  now: number,
  wait: number,
): void {
  const ticksPerMs = law.resolution * 1000
  charge.allowed = wait === 0
  const out = tokenBucket.out(law, tat, now)
  charge.remaining = law.burst - out
  // Skip the divisions for a full bucket, the common case.
  charge.resetAfter = out === 0 ? 0 : Math.ceil(tokenBucket.resetAfter(tat, now) / ticksPerMs)
  charge.renewAfter = out === 0 ? 0 : Math.ceil(tokenBucket.renewAfter(law, tat, now, out) / ticksPerMs)
  charge.retryAfter = wait === 0 ? 0 : Math.ceil(wait / ticksPerMs)
}

/**
 * Writes the verdict of a sliding window. `used` is the number of units that count, including those just
 * charged. `oldest` and `newest` are the microseconds until those units leave, and `wait` is those until the
 * cost fits.
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
  // After a rate was lowered, more units may be used than it allows.
  charge.remaining = Math.max(0, law.rate - used)
  charge.resetAfter = Math.ceil(newest / 1000)
  charge.renewAfter = Math.ceil(oldest / 1000)
  charge.retryAfter = wait === 0 ? 0 : Math.ceil(wait / 1000)
}
