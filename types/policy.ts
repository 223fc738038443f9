/** The two laws: GCRA (a token bucket in one number) and the exact sliding window. */
export type Algorithm = 'token-bucket' | 'sliding-window'

type Unit = 'second' | 'minute' | 'hour' | 'day'
type ShortUnit = 'ms' | 's' | 'm' | 'h' | 'd'

/**
 * A period: the name of a unit, a duration such as `'15 minutes'` or `'30s'`, or a number of milliseconds.
 * Fractions of a millisecond are rounded up to whole microseconds.
 */
export type Period = Unit | `${number} ${Unit}` | `${number} ${Unit}s` | `${number}${ShortUnit}` | number

/** One rule, as written by its author. */
export interface PolicyOptions {
  /**
   * Name of the policy in decisions and headers: printable ASCII. Default: the limiter's name, or
   * `<limiter>-<rate>-per-<period>` where a limiter has several policies.
   */
  name?: string
  /** Default: `'token-bucket'`. */
  algorithm?: Algorithm
  /**
   * Units allowed per period: an integer of 0 (nothing is ever allowed) to 1,000,000 a second; at most
   * 1,000,000 in a sliding window, which remembers each of them in 8 bytes. Default: 100.
   */
  rate?: number
  /** The period. Default: `'minute'`. */
  per?: Period
  /**
   * Most units that can be spent at once: an integer >= 1. Token bucket only. Default: the lesser of 10 and `rate`.
   */
  burst?: number
}

/** A validated policy with everything that can be computed before the first request. */
export interface Policy {
  readonly name: string
  readonly algorithm: Algorithm
  /** Units per period. */
  readonly rate: number
  /** The period in milliseconds (whole microseconds). */
  readonly per: number
  /** Most units that can be spent at once: `burst` of a token bucket, `rate` of a sliding window. */
  readonly limit: number
}
