import type { Decision, Denied } from './decision.js'
import type { Period, Policy, PolicyOptions } from './policy.js'
import type { LimiterStats } from './stats.js'
import type { AsyncStore, Store, SyncStore } from './store.js'

/** A limiter that answers at once, without a promise: its store lives in this process. */
export interface Limiter {
  readonly sync: true
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: SyncStore
  /**
   * Units in progress that `run` could not renew, because others had taken them or the key was blocked. The
   * work went on. 0 is the number to hope for: if it grows, make `hold` longer.
   */
  readonly lost: number
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
   * Returns what each policy by itself would decide about one unit, shadows included, in the order of
   * `policies`; for a key with an override, what that would. Empty where the key has no limit. Charges
   * nothing. Throws `FST_FLOODGATE_KEY` as `take` does.
   *
   * @example
   * ```js
   * mails.peekEach('smtp').map(({ policy, remaining }) => `${policy}: ${remaining} left`)
   * ```
   */
  peekEach(key: string): Decision[]
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
   * Forgets the key: nothing is charged to it any more, it is not blocked, and earlier blocks do not count.
   * Throws `FST_FLOODGATE_KEY` as `take` does.
   *
   * @example
   * ```js
   * login.reset(email) // after a correct password
   * ```
   */
  reset(key: string): void
  /**
   * Blocks the key in all policies of the limiter, from now on for a period of up to 366 days, in place of
   * what it had: a longer block becomes shorter. Then the key is as new. Throws `FST_FLOODGATE_OPTION` for a
   * period that is not allowed, and `FST_FLOODGATE_KEY`.
   *
   * @example
   * ```js
   * api.block('203.0.113.7', '1 hour')
   * ```
   */
  block(key: string, period: Period): void
  /**
   * The counts of this limiter's decisions since it was made: one for each `take`.
   *
   * @example
   * ```js
   * commands.stats().policies.commands.denied // 12
   * ```
   */
  stats(): LimiterStats
  /**
   * Takes, and resolves when the call may go on: at once, or after `decision.delay` where a policy has
   * `wait`. A denial resolves at once, and is a value. At most `maxWaiting` calls of the limiter wait at a
   * time. Beyond them a call is denied, with the delay that it would have had as `retryAfter`. Abort `signal`
   * to give up: the units are given back, and the promise rejects with `signal.reason`. Rejects with the
   * errors that `take` throws.
   *
   * @example
   * ```js
   * const mails = createLimiter({ name: 'mails', rate: 10, per: 'second', wait: '30 seconds' })
   * const decision = await mails.wait('smtp', { signal: AbortSignal.timeout(5000) })
   * if (decision.allowed) await send(mail)
   * ```
   */
  wait(key: string, options?: WaitOptions): Promise<Decision>
  /**
   * Runs `task` within the limits, and resolves or rejects as it does. Takes, waits as `wait` does, then
   * calls `task`. The units of policies with `algorithm: 'concurrency'` are given back when it ends, however
   * it ends; work that is longer than half of `hold` renews them. Rejects with `FST_FLOODGATE_DENIED` where
   * `wait` would resolve with a denial, which is the `decision` of the error, and with the errors that `wait`
   * rejects with.
   *
   * @example
   * ```js
   * const partner = createLimiter({
   *   name: 'partner',
   *   policies: [{ rate: 10, per: 'second', wait: '5 seconds' }, { algorithm: 'concurrency', limit: 5 }],
   * })
   * const response = await partner.run('api', () => fetch('https://partner.example/orders'))
   * ```
   */
  run<T>(key: string, task: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T>
}

/** A limiter that answers with promises: its store is asked over a network. */
export interface AsyncLimiter {
  readonly sync: false
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: AsyncStore
  /** As `Limiter.lost`. */
  readonly lost: number
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
  /** As `Limiter.peekEach`. Rejects as `take` does. */
  peekEach(key: string): Promise<Decision[]>
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
   * Forgets the key in the store, as `Limiter.reset` does. Other processes drop the leases that they hold
   * within 2 seconds. Rejects as `take` does.
   *
   * @example
   * ```js
   * await login.reset(email)
   * ```
   */
  reset(key: string): Promise<void>
  /**
   * Blocks the key in all policies of the limiter, as `Limiter.block` does. Rejects with the errors that it
   * throws.
   *
   * @example
   * ```js
   * await api.block('203.0.113.7', '1 hour')
   * ```
   */
  block(key: string, period: Period): Promise<void>
  /** As `Limiter.stats`: at once, because the counters are those of this process. */
  stats(): LimiterStats
  /** As `Limiter.wait`. Rejects also as `take` does. */
  wait(key: string, options?: WaitOptions): Promise<Decision>
  /** As `Limiter.run`. Rejects also as `take` does. */
  run<T>(key: string, task: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T>
  /**
   * The name under which the store keeps `key` for a policy, the first by default. Throws
   * `FST_FLOODGATE_OPTION` for a name that no policy has, and `FST_FLOODGATE_KEY`.
   *
   * @example
   * ```js
   * await client.pttl(jobs.storeKey('tenant:7'))
   * ```
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

/** Options of one `wait` or `run`. */
export interface WaitOptions extends TakeOptions {
  /** Ends the wait when it is aborted. It does not end the task of `run`. */
  signal?: AbortSignal
}

/** The error with which `run` rejects for a denial. The plugin passes it to error handlers. */
export interface DeniedError extends Error {
  readonly code: 'FST_FLOODGATE_DENIED'
  /** 429, or 503 where the plugin sheds load. */
  readonly statusCode: 429 | 503
  readonly decision: Denied
}

/**
 * The options of `createLimiter`: a name of 1 to 128 printable ASCII characters, and one policy inline or a
 * list of policies, which must all allow.
 */
export type LimiterOptions = { name: string } & (
  | Omit<PolicyOptions, 'name'>
  | { policies: readonly PolicyOptions[] }
)

/** The second argument of `createLimiter`. */
export interface LimiterSettings {
  /** Where state lives. Default: a `memoryStore()` of the limiter's own. */
  store?: Store
  /**
   * Most calls that `wait` and `run` hold at a time, for all keys together: an integer of 0 or more. Default:
   * 1,000.
   */
  maxWaiting?: number
}
