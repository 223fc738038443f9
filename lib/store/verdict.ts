import type { Charge } from '../../types/index.js'
import { type SlidingWindow, type TokenBucket, tokenBucket } from '../policy/index.js'

/** Writes the verdict of a token bucket. `tat`, `now` and `wait` are ticks; the tat is that after the charge, if it was charged. */
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
  // Divisions are dear, and full buckets are many.
  charge.resetAfter = out === 0 ? 0 : Math.ceil(tokenBucket.resetAfter(tat, now) / ticksPerMs)
  charge.renewAfter = out === 0 ? 0 : Math.ceil(tokenBucket.renewAfter(law, tat, now, out) / ticksPerMs)
  charge.retryAfter = wait === 0 ? 0 : Math.ceil(wait / ticksPerMs)
}

/**
 * Writes the verdict of a sliding window: the units that count, after the charge if it was charged, and the microseconds until
 * the oldest and the newest of them leave and until the cost fits.
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
  // A rate that was lowered may be exceeded by what was taken before.
  charge.remaining = Math.max(0, law.rate - used)
  charge.resetAfter = Math.ceil(newest / 1000)
  charge.renewAfter = Math.ceil(oldest / 1000)
  charge.retryAfter = wait === 0 ? 0 : Math.ceil(wait / 1000)
}
