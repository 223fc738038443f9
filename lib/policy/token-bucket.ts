/**
 * Token bucket by GCRA (the generic cell rate algorithm: ITU-T I.371, annex A, virtual scheduling).
 *
 * The whole state of a key is one number: its theoretical arrival time, `tat`, when the bucket is full again.
 * Time is counted in ticks, `resolution` ticks a microsecond, so that a unit takes a whole number of ticks.
 * Integers only, so nothing drifts. A tat that is not in the future means a full bucket, as no state does. 0
 * is such a tat.
 *
 * Example: 10 a minute has an interval of 6 seconds. With a burst of 10 and 4 units out, `tat` is 18 to 24
 * seconds from now.
 *
 * Every function here is pure: integers in, integers out, `now` in ticks.
 */
export interface TokenBucket {
  /** Most units that can be spent at once; 0 when the rate is 0. */
  readonly burst: number
  /** Ticks that one unit takes to come back. */
  readonly interval: number
  /** Ticks that an empty bucket takes to fill: burst * interval. */
  readonly tolerance: number
  /** Most ticks that a call is held: units are charged so long before they have come back. Mostly 0. */
  readonly patience: number
  /** Ticks per microsecond. */
  readonly resolution: number
}

/**
 * Finest resolution: 2^17 ticks a microsecond keep the rounding of an interval below 1 in 100,000 at any
 * rate.
 */
const FINEST = 2 ** 17

/** Most ticks that an empty bucket may take to fill, so that sums stay exact in a double. */
const DEEPEST = 2 ** 51

/**
 * Derives the bucket from whole numbers: `rate` units per `per` microseconds, at most `burst` at once. It is
 * exact where the resolution can hold the numerator of rate / per, reduced. Else the interval is rounded up
 * by less than 1 part in 100,000. A call is held for at most `patience` microseconds. Returns null if the
 * bucket takes more than 71 years to fill, which is too long to count.
 */
export function tokenBucket(rate: number, per: number, burst: number, patience = 0): TokenBucket | null {
  if (rate === 0) return { burst: 0, interval: 0, tolerance: 0, patience: 0, resolution: 1 }
  const fillTime = (per / rate) * burst
  const finest = Math.min(FINEST, Math.floor(DEEPEST / fillTime))
  if (finest < 1) return null
  const divisor = greatestCommonDivisor(rate, per)
  const resolution = Math.min(rate / divisor, finest)
  const interval = Number((BigInt(per) * BigInt(resolution) + BigInt(rate) - 1n) / BigInt(rate))
  return { burst, interval, tolerance: burst * interval, patience: patience * resolution, resolution }
}

/**
 * Repairs a tat that a clock or a corrupt store put too far ahead: it then means a bucket that is empty now,
 * and whose units are promised as far ahead as the patience goes.
 */
export function heal(bucket: TokenBucket, tat: number, now: number): number {
  return Math.min(tat, now + bucket.tolerance + bucket.patience)
}

/**
 * Ticks until `cost` units are there. 0 means now, `Infinity` means never. The call is allowed if they are at
 * most the patience: it then goes on after so long.
 */
export function wait(bucket: TokenBucket, tat: number, now: number, cost: number): number {
  if (cost === 0) return 0
  if (cost > bucket.burst) return Number.POSITIVE_INFINITY
  return Math.max(0, tat - (bucket.burst - cost) * bucket.interval - now)
}

/** The tat after `cost` units have passed. */
export function charge(bucket: TokenBucket, tat: number, now: number, cost: number): number {
  return Math.max(tat, now) + cost * bucket.interval
}

/**
 * The tat after a refund of `cost` units, at least `now`, which means full. `charged` is the tat that their
 * charge wrote: units that have come back since are not given back twice. It is `Infinity` if that tat is
 * unknown.
 */
export function refund(bucket: TokenBucket, tat: number, now: number, cost: number, charged: number): number {
  const { interval, tolerance, patience } = bucket
  const due = Math.min(cost * interval, tolerance + patience, Math.max(0, charged - now))
  return Math.max(tat - due, now)
}

/** Units that are out, including the one that is coming back. At most `burst`: those beyond are promised. */
export function out(bucket: TokenBucket, tat: number, now: number): number {
  return tat <= now ? 0 : Math.min(bucket.burst, Math.ceil((tat - now) / bucket.interval))
}

/** Ticks until the bucket is full. */
export function resetAfter(tat: number, now: number): number {
  return Math.max(0, tat - now)
}

/** Ticks until the next whole unit comes back, where `out` units are out. 0 when none is. */
export function renewAfter(bucket: TokenBucket, tat: number, now: number, out: number): number {
  // Not `%`, because V8 calls a C function for the remainder of doubles.
  return out === 0 ? 0 : tat - now - (out - 1) * bucket.interval
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
