/** The two laws: the token bucket (GCRA, one number a key) and the exact sliding window. */
export type Algorithm = 'token-bucket' | 'sliding-window'

type Unit = 'second' | 'minute' | 'hour' | 'day'
type ShortUnit = 'ms' | 's' | 'm' | 'h' | 'd'

/**
 * A period: a unit, a duration such as `'15 minutes'` or `'30s'`, or a number of milliseconds, up to 366
 * days. Fractions of a millisecond are rounded up to whole microseconds.
 */
export type Period = Unit | `${number} ${Unit}` | `${number} ${Unit}s` | `${number}${ShortUnit}` | number

/**
 * One rule, as its author writes it.
 *
 * @example
 * ```js
 * // 10 requests at once, then one every 600 ms.
 * const api = { rate: 100, per: 'minute', burst: 10 }
 * // At most 5 in any 15 minutes, wherever they start.
 * const login = { algorithm: 'sliding-window', rate: 5, per: '15 minutes' }
 * ```
 */
export interface PolicyOptions {
  /**
   * Name of the policy in decisions and headers: 1 to 128 printable ASCII characters. Default: the limiter's
   * name, or `<limiter>-<rate>-per-<period>` where a limiter has several policies.
   */
  name?: string
  /** Default: `'token-bucket'`. */
  algorithm?: Algorithm
  /**
   * Units allowed per period: an integer from 0 (nothing is ever allowed) to 2^31 - 1, and at most 1,000,000
   * a second. A sliding window allows at most 1,000,000, because it remembers each unit in 8 bytes. Default:
   * 100.
   */
  rate?: number
  /** The period. Default: `'minute'`. */
  per?: Period
  /**
   * Most units that can be spent at once: an integer from 1 to 2^31 - 1. Token bucket only. Default: the
   * lesser of 10 and `rate`. With a rate of 100 a minute and a burst of 10, a client sends 10 at once and
   * then one every 600 ms.
   */
  burst?: number
}

/** A validated policy with everything that can be computed before the first request. */
export interface Policy {
  readonly name: string
  readonly algorithm: Algorithm
  /** Units per period. */
  readonly rate: number
  /** The period in milliseconds. It is a whole number of microseconds. */
  readonly per: number
  /** Most units that can be spent at once: `burst` of a token bucket, `rate` of a sliding window. */
  readonly limit: number
}
