/**
 * The call may pass, and its cost has been charged.
 *
 * @example
 * ```js
 * // At most 10 a minute, 6 used before this take: 10 - 7 = 3 are left.
 * { allowed: true, policy: 'login', limit: 10, remaining: 3, resetAfter: 42_000 }
 * ```
 */
export interface Allowed {
  readonly allowed: true
  /** Name of the policy that decided: the tightest one, where several were asked. */
  readonly policy: string
  /**
   * Most units that can be spent at once: `burst` of a token bucket, `rate` of a sliding window, `limit` of a
   * concurrency policy.
   */
  readonly limit: number
  /** Units left after this call, rounded down, from 0 to `limit`. 10 a minute, 6 used: `remaining` is 4. */
  readonly remaining: number
  /**
   * Milliseconds, rounded up, until `remaining` equals `limit` again if nobody takes. With `'concurrency'` it
   * is 1,000 while anything is in progress: nobody knows when work ends.
   */
  readonly resetAfter: number
  /**
   * Milliseconds, rounded up, to wait before going on: the units are charged already, and have come back by
   * then. Absent where there is nothing to wait for, as with all policies without `wait`.
   */
  readonly delay?: number
  /**
   * Absent where the store answered. `'local'`: it did not answer, and limits of this process decided.
   * `'none'`: it did not answer, nothing was counted, and `remaining` is `Infinity`.
   */
  readonly source?: 'local' | 'none'
}

/**
 * The call may not pass, and nothing has been charged.
 *
 * @example
 * ```js
 * // At most 10 a minute, all used, and the oldest unit comes back in 12 seconds.
 * {
 *   allowed: false, policy: 'login', violated: ['login'],
 *   limit: 10, remaining: 0, resetAfter: 59_000, retryAfter: 12_000,
 * }
 * ```
 */
export interface Denied {
  readonly allowed: false
  /** Name of the policy that asks for the longest wait. */
  readonly policy: string
  /** Names of all policies that denied, in the order in which they were asked. */
  readonly violated: readonly string[]
  /**
   * Most units that can be spent at once: `burst` of a token bucket, `rate` of a sliding window, `limit` of a
   * concurrency policy.
   */
  readonly limit: number
  /** Units left, rounded down. Above 0 where the cost is larger: 4 left and a cost of 5 is denied. */
  readonly remaining: number
  /**
   * Milliseconds, rounded up, until `remaining` equals `limit` again if nobody takes. With `'concurrency'` it
   * is 1,000 while anything is in progress: nobody knows when work ends.
   */
  readonly resetAfter: number
  /**
   * Milliseconds, rounded up, after which the same call is allowed if no other call takes from the key.
   * `Infinity` means never: the cost is above `limit`, or the rate is 0. With `'concurrency'` it is 1,000,
   * and no promise.
   */
  readonly retryAfter: number
  /** `true` where the key is blocked: `retryAfter` is the time to the end of the block. Absent elsewhere. */
  readonly blocked?: true
  /** Absent where the store answered. `'local'`: it did not answer, and limits of this process decided. */
  readonly source?: 'local'
}

/** The outcome of one call: a value, never an exception. */
export type Decision = Allowed | Denied
