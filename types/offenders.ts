import type { Period } from './policy.js'

/**
 * The option `offenders`: remember the keys that are denied most, in memory, as they are.
 *
 * @example
 * ```js
 * { size: 100, per: '1 hour', show: (key, limiter) => (limiter === 'login' ? key.split('@')[1] : key) }
 * ```
 */
export interface OffenderOptions {
  /** Most keys that a limiter remembers for a period: an integer from 1 to 10,000. Default: 100. */
  size?: number
  /** How long a key is remembered after its last denial. Default: `'1 hour'`. */
  per?: Period
  /**
   * Returns the text that stands for a key wherever it is displayed. Default: an IP or its network as it is,
   * and of any other key the first four characters and the first eight hex digits of its SHA-256:
   * `'demo…f4d5c6b7'`. That also stands in where the function throws, or returns no string.
   */
  show?: (key: string, limiter: string) => string
}

/**
 * A key that is denied a lot. The counts are of the last `per` to twice `per`. Its decisions that were denied
 * in any way are at least `denied + blocked + shadowDenied`, and at most `error` more.
 */
export interface Offender {
  readonly limiter: string
  /** Stands for the key, in this process while it lives: see `app.rateLimit.keyOfOffender()`. */
  readonly id: string
  /** The text that `show` returns for the key. */
  readonly key: string
  readonly denied: number
  readonly blocked: number
  readonly shadowDenied: number
  /**
   * Most denials that are missing in the counts: those before the key took the place of another. 0 while
   * fewer keys than `size` are denied.
   */
  readonly error: number
  /** The first denial that is counted, and the last. */
  readonly first: Date
  readonly last: Date
}
