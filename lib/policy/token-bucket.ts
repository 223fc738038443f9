/**
 * Token bucket by GCRA (the generic cell rate algorithm: ITU-T I.371, annex A, virtual scheduling).
 *
 * The whole state of a key is one number: its theoretical arrival time, `tat`, the moment at which the bucket is full
 * again. It is counted in ticks, `resolution` of them a microsecond, chosen so that a unit takes a whole number of ticks:
 * integers only, so nothing drifts. A tat that is not in the future equals no state at all, and 0 is such a tat.
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
  /** Ticks per microsecond. */
  readonly resolution: number
}

/** Finest resolution: 2^17 ticks a microsecond keep the rounding of an interval below 1 in 100,000 at any rate. */
const FINEST = 2 ** 17

/** Longest time an empty bucket may take to fill, in ticks, so that sums stay exact in a double. */
const DEEPEST = 2 ** 51

/**
 * Derives the bucket from whole numbers: `rate` units per `per` microseconds, at most `burst` at once. Exact where
 * rate / per, reduced, has a numerator that the resolution can hold; else the interval is rounded up by less than
 * 1 part in 100,000. Returns null where filling the bucket would take longer than can be counted (71 years).
 */
export function tokenBucket(rate: number, per: number, burst: number): TokenBucket | null {
  if (rate === 0) return { burst: 0, interval: 0, tolerance: 0, resolution: 1 }
  const fillTime = (per / rate) * burst
  const finest = Math.min(FINEST, Math.floor(DEEPEST / fillTime))
  if (finest < 1) return null
  const divisor = greatestCommonDivisor(rate, per)
  const resolution = Math.min(rate / divisor, finest)
  const interval = Number((BigInt(per) * BigInt(resolution) + BigInt(rate) - 1n) / BigInt(rate))
  return { burst, interval, tolerance: burst * interval, resolution }
}

/** Heals a tat that a clock or a corrupt store put further ahead than an empty bucket: it counts as just emptied. */
export function settle(bucket: TokenBucket, tat: number, now: number): number {
  return Math.min(tat, now + bucket.tolerance)
}

/** Ticks until `cost` units may pass: 0 for now, `Infinity` for never. */
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
 * The tat after `cost` units came back: `now`, which is full, at the lowest. `charged` is the tat that their charge left
 * behind: what has refilled since is nobody's to give back. `Infinity` if that is not known.
 */
export function refund(bucket: TokenBucket, tat: number, now: number, cost: number, charged: number): number {
  const due = Math.min(Math.min(cost, bucket.burst) * bucket.interval, Math.max(0, charged - now))
  return Math.max(tat - due, now)
}

/** Units that are out, the one included that is coming back. */
export function out(bucket: TokenBucket, tat: number, now: number): number {
  return tat <= now ? 0 : Math.ceil((tat - now) / bucket.interval)
}

/** Whole units that can be spent now. */
export function remaining(bucket: TokenBucket, tat: number, now: number): number {
  return bucket.burst - out(bucket, tat, now)
}

/** Ticks until the bucket is full. */
export function resetAfter(tat: number, now: number): number {
  return Math.max(0, tat - now)
}

/** Ticks until the next whole unit comes back, given how many are out; 0 when none is. */
export function renewAfter(bucket: TokenBucket, tat: number, now: number, out: number): number {
  // Not `%`: a remainder of doubles is a call of a C function.
  return out === 0 ? 0 : tat - now - (out - 1) * bucket.interval
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
