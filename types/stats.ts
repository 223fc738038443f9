import type { LimitsStats } from './limits.js'
import type { OutcomeCounts } from './outcomes.js'
import type { Algorithm } from './policy.js'
import type { AsyncStoreStats, StoreKind, StoreState, StoreStats } from './store.js'

/** A policy, and what became of its decisions. */
export interface PolicyStats extends Readonly<OutcomeCounts> {
  readonly algorithm: Algorithm
  /** Units per period. */
  readonly rate: number
  /** The period in milliseconds. */
  readonly per: number
  /** Most units that can be spent at once. */
  readonly limit: number
  /** The share of the keys that it denies: 1 is all, and 0 is a shadow. */
  readonly enforce: number
}

/**
 * The counts of the decisions of one limiter.
 *
 * @example
 * ```js
 * limiter.stats().policies.commands.denied // 12 since the limiter was made
 * ```
 */
export interface LimiterStats {
  /** By the name of the policy. */
  readonly policies: Readonly<Record<string, PolicyStats>>
}

/** The report of a store of any kind. */
export interface StoreReport extends Partial<StoreStats>, Partial<AsyncStoreStats> {
  readonly kind: StoreKind
  /** `'up'` always for a store in this process. */
  readonly state: StoreState
}

/**
 * The counts of the decisions of one registration: a snapshot.
 *
 * @example
 * ```js
 * const { limiters, store, waiting } = app.rateLimit.stats()
 * const { allowed, denied } = limiters.login.policies.login
 * ```
 */
export interface RateLimitStats {
  /** When the plugin was registered: all counters were 0. */
  readonly since: Date
  /**
   * By the name of the limiter. A limiter that a route describes is called after it: `'GET /search'`. All
   * policies that the function of a route returns count as one, with the numbers of the latest.
   */
  readonly limiters: Readonly<Record<string, LimiterStats>>
  readonly store: StoreReport
  /** Overrides that are in force, and how many of them were looked up. */
  readonly overrides: { readonly inForce: number; readonly used: number }
  /** The outcomes of the documents of the option `limits`. Null without it. */
  readonly limits: LimitsStats | null
  /** Requests that policies with `wait` hold now, and calls of `wait()` and `run()`. */
  readonly waiting: number
  /** Units in progress that could not be renewed after `hold`. Their work went on. Only grows. */
  readonly lost: number
}
