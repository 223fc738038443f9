/**
 * The laws: the token bucket (GCRA, one number a key), the exact sliding window, and the number of units in
 * progress.
 */
export type Algorithm = 'token-bucket' | 'sliding-window' | 'concurrency'

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
 * // At most 5 in any 15 minutes, wherever they start. A denial blocks the key for an hour.
 * const login = { algorithm: 'sliding-window', rate: 5, per: '15 minutes', block: '1 hour' }
 * // At most 20 in progress.
 * const reports = { algorithm: 'concurrency', limit: 20 }
 * ```
 */
export interface PolicyOptions {
  /**
   * Name of the policy in decisions and headers: 1 to 128 printable ASCII characters. Default: the limiter's
   * name. Where a limiter has several policies: `<limiter>-<rate>-per-<period>`, or
   * `<limiter>-<limit>-in-progress`.
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
  /**
   * The longest time that a call may be held until its units have come back, up to 1 minute. Token bucket
   * only. What would be allowed within so long is allowed now, its units are charged, and `decision.delay`
   * says how long to wait. What would wait longer is denied at once. Default: no call is held.
   */
  wait?: Period
  /**
   * Most units in progress at once: an integer from 0 to 1,000,000. Required with `'concurrency'`, and an
   * error with any other algorithm.
   */
  limit?: number
  /**
   * The longest time for which a unit in progress counts, if nobody gives it back or renews it. After so long
   * the units of a killed process are free again. With `'concurrency'` only. Default: `'1 minute'`.
   */
  hold?: Period
  /**
   * Blocks a key that is denied: until the end of the block the key is denied, whatever it has left, and the
   * denials cost nothing and prolong nothing. Then the key is as new. A period up to 366 days, or an object
   * for blocks that grow. Not with `'concurrency'`. A denial that no wait would help blocks nothing: a cost
   * above the limit, or a rate of 0. Default: no blocks.
   */
  block?: Period | BlockOptions
  /**
   * `false`: a shadow. It counts what it would deny, and denies nobody: nothing changes that clients or other
   * policies see. A share from 0 to 1 is enforced for that part of the keys, always the same ones, and is a
   * shadow for all others. It is never inherited from the default limiter. Default: `true`, which is 1.
   *
   * @example
   * ```js
   * const today = { rate: 100, per: 'minute' }
   * const tried = { name: 'tried', rate: 50, per: 'minute', enforce: false }
   * await app.register(rateLimit, { ...today, limiters: { api: [today, tried] } })
   * app.rateLimit.stats().limiters.api.policies.tried.shadowDenied // 12 would have been denied
   * ```
   */
  enforce?: boolean | number
}

/**
 * Blocks that grow: each further block of a key lasts `factor` times longer than the one before.
 *
 * @example
 * ```js
 * // 1 minute, 4 minutes, 16 minutes, and so on up to a day. Forgotten after a week without a block.
 * const block = { for: '1 minute', factor: 4, max: '1 day', forget: '7 days' }
 * ```
 */
export interface BlockOptions {
  /** The length of the first block, up to 366 days. */
  for: Period
  /** How many times longer each further block lasts: a number from 1. Default: 1. */
  factor?: number
  /** The longest block: at least `for`. Default: 366 days. */
  max?: Period
  /** How long after its end a block counts as an earlier one. Default: `'1 day'`. */
  forget?: Period
}

/** Validated `BlockOptions`, with periods in milliseconds. */
export interface BlockLengths {
  readonly for: number
  readonly factor: number
  readonly max: number
  readonly forget: number
}

/** A validated policy with everything that can be computed before the first request. */
export interface Policy {
  readonly name: string
  readonly algorithm: Algorithm
  /** Units per period. With `'concurrency'` it equals `limit`. */
  readonly rate: number
  /** The period in milliseconds, or `hold`. It is a whole number of microseconds. */
  readonly per: number
  /**
   * Most units that can be spent at once: `burst` of a token bucket, `rate` of a sliding window, `limit` of a
   * concurrency policy.
   */
  readonly limit: number
  /** The longest time in milliseconds that a call is held. 0 where none is. */
  readonly wait: number
  /** The lengths of its blocks, or null where a denial blocks nothing. */
  readonly block: BlockLengths | null
  /** The share of the keys that it denies: 1 is all, and 0 is a shadow. */
  readonly enforce: number
}
