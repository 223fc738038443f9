import type { Decision } from './decision.js'
import type { Policy, PolicyOptions } from './policy.js'
import type { AsyncStore, SyncStore } from './store.js'

/** A limiter that answers at once, without a promise: its store lives in this process. */
export interface Limiter {
  readonly sync: true
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: SyncStore
  /**
   * Charges `cost` units (default 1) to `key`, if every policy allows them. A denial charges none of the
   * policies and is a value, never an exception. Throws `FST_FLOODGATE_KEY` for a key that is not a string or
   * is empty, `FST_FLOODGATE_COST` for a cost that is not an integer >= 0, and
   * `FST_FLOODGATE_UNKNOWN_OPTION`.
   *
   * @example
   * ```js
   * const decision = commands.take('user:42', { cost: 3 })
   * if (!decision.allowed) return `Try again in ${Math.ceil(decision.retryAfter / 1000)} seconds.`
   * ```
   */
  take(key: string, options?: TakeOptions): Decision
  /**
   * Returns what `take` would decide, and charges nothing. So `remaining` is what is left now: 10 a minute, 6
   * used, is 4. Throws as `take` does.
   *
   * @example
   * ```js
   * commands.peek('user:42').remaining // 4
   * ```
   */
  peek(key: string, options?: TakeOptions): Decision
  /**
   * Gives back `cost` units (default 1), the newest first. A key never gets above its limit: 3 used, 5 given
   * back, is a full key. Throws `FST_FLOODGATE_KEY` and `FST_FLOODGATE_COST` as `take` does.
   *
   * @example
   * ```js
   * const { allowed } = commands.take('user:42')
   * if (allowed && (await isCached(command))) commands.refund('user:42')
   * ```
   */
  refund(key: string, cost?: number): void
  /**
   * Forgets the key: nothing is charged to it any more. Throws `FST_FLOODGATE_KEY` as `take` does.
   *
   * @example
   * ```js
   * login.reset(email) // after a correct password
   * ```
   */
  reset(key: string): void
}

/** A limiter that answers with promises: its store is asked over a network. */
export interface AsyncLimiter {
  readonly sync: false
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: AsyncStore
  /**
   * Charges `cost` units (default 1) to `key`, if every policy allows them, as `Limiter.take` does. The
   * promise rejects with the errors that `Limiter.take` throws.
   *
   * Where the store does not answer in time, `decision.source` says who decided. With `onStoreFailure:
   * 'deny'` the promise rejects instead, with `FST_FLOODGATE_STORE` (503): a store failure is no denial.
   *
   * @example
   * ```js
   * const decision = await commands.take('user:42', { cost: 3 })
   * if (!decision.allowed) await retryIn(decision.retryAfter)
   * ```
   */
  take(key: string, options?: TakeOptions): Promise<Decision>
  /**
   * Returns what `take` would decide, and charges nothing. Rejects as `take` does.
   *
   * @example
   * ```js
   * const { remaining } = await commands.peek('user:42') // 10 a minute, 6 used: 4
   * ```
   */
  peek(key: string, options?: TakeOptions): Promise<Decision>
  /**
   * Gives back `cost` units (default 1), the newest first, never above the limit. Rejects as `take` does.
   *
   * @example
   * ```js
   * await commands.refund('user:42', 2)
   * ```
   */
  refund(key: string, cost?: number): Promise<void>
  /**
   * Forgets the key in the store. Other processes may still spend the leases that they hold. Rejects as
   * `take` does.
   *
   * @example
   * ```js
   * await login.reset(email)
   * ```
   */
  reset(key: string): Promise<void>
  /**
   * The name under which the store keeps `key` for a policy, the first by default. Throws
   * `FST_FLOODGATE_OPTION` for a name that no policy has, and `FST_FLOODGATE_KEY`.
   */
  storeKey(key: string, policy?: string): string
}

/** A limiter of either kind. Await its answers, or look at `sync`, which says which kind it is. */
export type AnyLimiter = Limiter | AsyncLimiter

/** Options of one `take` or `peek`. */
export interface TakeOptions {
  /** Units that the call asks for: an integer >= 0. Default: 1. */
  cost?: number
}

/**
 * What `createLimiter` needs: a name of 1 to 128 printable ASCII characters, and one policy inline or a list
 * of policies, which must all allow.
 */
export type LimiterOptions = { name: string } & (
  | Omit<PolicyOptions, 'name'>
  | { policies: readonly PolicyOptions[] }
)
