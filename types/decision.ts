/** The request may pass, and its cost has been charged. */
export interface Allowed {
  readonly allowed: true
  /** Name of the policy that speaks: the tightest, where several were asked. */
  readonly policy: string
  /** Most units that can be spent at once. */
  readonly limit: number
  /** Units left after this call, rounded down. */
  readonly remaining: number
  /** Whole milliseconds, rounded up, until `remaining` equals `limit` again if nobody takes. */
  readonly resetAfter: number
  /**
   * Left out where the store answered. `'local'`: it did not, and limits of this process decided. `'none'`: it did not, nobody
   * counted, and `remaining` is `Infinity`.
   */
  readonly source?: 'local' | 'none'
}

/** The request may not pass, and nothing has been charged. */
export interface Denied {
  readonly allowed: false
  /** Name of the policy that asks for the longest wait. */
  readonly policy: string
  /** Names of all policies that denied. */
  readonly violated: readonly string[]
  /** Most units that can be spent at once. */
  readonly limit: number
  /** Units left, rounded down: above 0 where the cost asked was larger still. */
  readonly remaining: number
  /** Whole milliseconds, rounded up, until `remaining` equals `limit` again if nobody takes. */
  readonly resetAfter: number
  /**
   * Whole milliseconds, rounded up, after which a key's only user is allowed the same cost; `Infinity`: never
   * (the cost is above what can be spent at once, or the rate is 0).
   */
  readonly retryAfter: number
  /**
   * Left out where the store answered. `'local'`: it did not, and limits of this process decided.
   */
  readonly source?: 'local'
}

/** The outcome of one call: a value, never an exception. */
export type Decision = Allowed | Denied
