import type { Decision } from './decision.js'
import type { Policy, PolicyOptions } from './policy.js'
import type { AsyncStore, SyncStore } from './store.js'

/** A limiter that answers at once: its store lives in this process. */
export interface Limiter {
  readonly sync: true
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: SyncStore
  /**
   * Asks to spend `cost` units (default 1) of `key`. Every policy must allow; a denial charges none of them.
   * Throws `FST_FLOODGATE_KEY` or `FST_FLOODGATE_COST` on misuse, and never for a denial.
   */
  take(key: string, options?: TakeOptions): Decision
  /** Whether `take(key)` would be allowed, and what is left now. Charges nothing. */
  peek(key: string, options?: TakeOptions): Decision
  /** Gives back `cost` units (default 1), the newest first, never above full. */
  refund(key: string, cost?: number): void
  /** Forgets the key: it is as good as new. */
  reset(key: string): void
}

/** A limiter that answers with promises: its store is shared over a network. */
export interface AsyncLimiter {
  readonly sync: false
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: AsyncStore
  /**
   * As `Limiter.take`. Where the store does not answer, `decision.source` tells who did; with `onStoreFailure: 'deny'` the promise
   * rejects instead, with `FST_FLOODGATE_STORE` (503): a store failure is no denial.
   */
  take(key: string, options?: TakeOptions): Promise<Decision>
  /** Whether `take(key)` would be allowed, and what is left now. Charges nothing. */
  peek(key: string, options?: TakeOptions): Promise<Decision>
  /** Gives back `cost` units (default 1), the newest first, never above full. */
  refund(key: string, cost?: number): Promise<void>
  /** Forgets the key: it is as good as new, in every process but for leases that they hold. */
  reset(key: string): Promise<void>
  /** The name under which the store keeps `key` for a policy, the first by default. Throws `FST_FLOODGATE_OPTION` for unknown policies. */
  storeKey(key: string, policy?: string): string
}

/** A limiter of either kind: await its answers. `sync` tells which it is. */
export type AnyLimiter = Limiter | AsyncLimiter

export interface TakeOptions {
  /** Units this call asks for: an integer >= 0. Default: 1. */
  cost?: number
}

/** A limiter to be: its name, and one policy inline or several in a list. */
export type LimiterOptions = { name: string } & (
  | Omit<PolicyOptions, 'name'>
  | { policies: readonly PolicyOptions[] }
)
