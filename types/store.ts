import type { Fleet } from './fleet.js'
import type { OutcomeCounts } from './outcomes.js'
import type { Policy } from './policy.js'

/**
 * A source of time. Only differences matter: the origin is free, and a step back counts as no time at all.
 *
 * @example
 * ```js
 * let now = 0
 * const store = memoryStore({ clock: { now: () => now } })
 * now += 60_000 // a minute later
 * ```
 */
export interface Clock {
  /** Milliseconds. Fractions count, to the microsecond. */
  now(): number
}

/**
 * The contents of a store at this moment, in numbers.
 *
 * @example
 * ```js
 * const { keys, maxKeys, forgotten } = store.stats() // 840 keys of 1,000, and 0 forgotten
 * ```
 */
export interface StoreStats {
  /** Keys held, including those that have expired and are not yet swept. */
  readonly keys: number
  /** Most keys that the store ever holds. */
  readonly maxKeys: number
  /**
   * Keys that a full store forgot while they still counted. 0 is the number to hope for; if it grows, raise
   * `maxKeys`.
   */
  readonly forgotten: number
  /** Room that sliding windows take up for the units that they remember, in slots of 8 bytes. */
  readonly units?: number
  /** Most slots that sliding windows ever take up. */
  readonly maxUnits?: number
}

/**
 * The calls of a store that is asked over a network, in numbers. A call is one script call, which carries the
 * decisions of one turn of the event loop.
 *
 * @example
 * ```js
 * const { calls, failures, local } = store.stats() // 840 calls, 2 without an answer, 5 decisions without it
 * ```
 */
export interface AsyncStoreStats {
  /** Calls that were answered or given up. */
  readonly calls: number
  /** Those that were given up, or answered with an error. */
  readonly failures: number
  /** Decisions taken in this process because the store did not answer, as `onStoreFailure` says. */
  readonly local: number
  /** How long calls took, those that were given up included. */
  readonly durations: CallDurations
}

/** A histogram of durations in seconds. */
export interface CallDurations {
  /** The upper bound of each bucket, itself included. */
  readonly bounds: readonly number[]
  /** Calls in each bucket and in no other; the last count is of those above all bounds. */
  readonly counts: readonly number[]
  /** Seconds of all calls together. */
  readonly sum: number
}

/** Where a store keeps its state: this thread, all threads of this process, or Redis. */
export type StoreKind = 'memory' | 'shared' | 'redis'

/** Where the state of one policy lives inside a store. Only the store that opened it can read it. */
export interface Bucket {
  readonly policy: Policy
  /**
   * The counters of the decisions about it. A store returns null. The limiter that opened the bucket puts its
   * counters here, and counts.
   */
  counters: OutcomeCounts | null
}

/**
 * One policy asked about one key. It holds the question (`bucket`, `key`, `cost`) and, once the store has
 * answered, the verdict. Charges are reused from call to call, so that a decision allocates nothing here.
 */
export interface Charge {
  readonly bucket: Bucket
  key: string
  /** Units: an integer >= 0. */
  cost: number
  /** Verdict: whether this policy alone lets the cost pass. */
  allowed: boolean
  /** Verdict: units left, rounded down. */
  remaining: number
  /** Verdict: whole ms, rounded up, until all units are back. */
  resetAfter: number
  /** Verdict: whole ms, rounded up, until the next unit comes back. 0 when none is out. */
  renewAfter: number
  /**
   * `take` writes when it charged the units, in the store's own terms. A refund that carries it gives back
   * those units only, as far as they still count. At first it is `Infinity`, with which a refund gives back
   * the newest units.
   *
   * A token bucket is one number a key. Where charges overlap, or the key was reset in between, a late refund
   * may count units that have come back already, never more than its own cost.
   */
  chargedAt: number
  /** Verdict: whole ms, rounded up, until the cost fits. 0 when allowed, `Infinity` for never. */
  retryAfter: number
  /** Verdict: whole ms, rounded up, to wait before going on. 0 when denied, and without `wait`. */
  delay: number
  /** Verdict: whether the key is blocked. Its block ends after `retryAfter`. */
  blocked: boolean
  /**
   * Verdict of a take that denied: whether the key was not being denied before, so that this denial is the
   * first of a streak. A charge of the key ends the streak. False where no wait helps, and where `block()`
   * blocked the key.
   */
  first: boolean
  /** Verdict: who decided. */
  source: Source
  /** The request that is charged, where there is one. */
  readonly request?: unknown
}

/**
 * The source of a decision. `'store'`: the store. `'local'`: it did not answer, and laws kept in this process
 * decided. `'none'`: it did not answer, everything is allowed meanwhile, and `Infinity` units are left.
 */
export type Source = 'store' | 'local' | 'none'

/**
 * Where state lives and which clock counts. A store decides a list of charges at one instant, all or nothing:
 * `take` charges every one of them or, if any is denied, none. It writes the verdict of every charge either
 * way. Where the policy of a denied charge has `block`, the denial blocks the key, and its verdict says so.
 */
export interface SyncStore {
  readonly sync: true
  readonly kind: StoreKind
  /**
   * Makes room for a policy. Every call opens a space of its own, so two limiters never share keys by
   * accident. `space` names the limiter, for stores that processes share: those that open the same spaces and
   * policies, in the same order, share their keys.
   *
   * A bucket in place of a name means the space of that bucket. Equal laws in one space share their keys, and
   * different laws have different keys. Any number of laws may be opened there over time: a law that no key
   * uses costs nothing.
   */
  open(policy: Policy, space: string | Bucket): Bucket
  /** Charges all or none. Returns whether all were allowed. */
  take(charges: readonly Charge[]): boolean
  /** Returns and writes what `take` would, and charges nothing. */
  peek(charges: readonly Charge[]): boolean
  /**
   * Gives back up to `cost` of the units charged at `chargedAt`, never above the limit. A blocked key stays
   * as it is. Writes no verdict.
   */
  refund(charges: readonly Charge[]): void
  /**
   * Gives back the units of a charge and takes as many again, at one instant: those of another call are
   * before or after it. Returns and writes what `take` would.
   */
  renew(charge: Charge): boolean
  /**
   * Forgets each key, as if the store had never seen it: lifts its block, and forgets its earlier blocks.
   * Writes no verdict.
   */
  reset(charges: readonly Charge[]): void
  /**
   * Blocks each key for `ms` from now on, in place of what it had, a longer block too. Writes no verdict.
   */
  block(charges: readonly Charge[], ms: number): void
  /** The contents of the store now, in numbers. */
  stats(): StoreStats
  /**
   * Frees what has expired, now, and returns how many keys went. Optional: the store also makes room on
   * demand.
   */
  sweep(): number
  /** Microseconds of its clock, by which blocks go on when policies change. Optional: the process's clock. */
  now?(): number
  /**
   * Calls `listener` with the code and the subject of a warning, when limits may be weaker than they say. The
   * function that it returns removes the listener. Without a listener the store warns the process. Optional.
   */
  onWarning?(listener: (code: StoreWarningCode, subject: string) => void): () => void
}

/**
 * W008: the server is set up to forget keys in use. W013: a full store forgot a key that was being denied.
 */
export type StoreWarningCode = 'FST_FLOODGATE_W008' | 'FST_FLOODGATE_W013'

/**
 * `'up'`: the store answers. `'down'`: it failed several times in a row, and is asked only once in a while.
 */
export type StoreState = 'up' | 'down'

/**
 * A store that is asked over a network. It answers at once what it can decide in this process, and else with
 * a promise. The store's options say what becomes of a call that it does not answer in time. Only
 * `onStoreFailure: 'deny'` rejects.
 */
export interface AsyncStore {
  readonly sync: false
  readonly kind: StoreKind
  readonly state: StoreState
  /** As `SyncStore.open`. */
  open(policy: Policy, space: string | Bucket): Bucket
  /** Charges all or none. Returns whether all were allowed. */
  take(charges: readonly Charge[]): boolean | Promise<boolean>
  /** Returns and writes what `take` would, and charges nothing. */
  peek(charges: readonly Charge[]): boolean | Promise<boolean>
  /** As `SyncStore.refund`. */
  refund(charges: readonly Charge[]): void | Promise<void>
  /** As `SyncStore.reset`. */
  reset(charges: readonly Charge[]): void | Promise<void>
  /** As `SyncStore.block`. */
  block(charges: readonly Charge[], ms: number): void | Promise<void>
  /** The number and the durations of its calls since it was made. */
  stats(): AsyncStoreStats
  /** The name under which the store keeps the key: what an operator looks for. */
  storeKey(bucket: Bucket, key: string): string
  /**
   * Calls `listener` with the seconds that a call took, when it is answered or given up. The function that it
   * returns ends this. Optional: `stats()` has all calls together.
   */
  onCall?(listener: (seconds: number) => void): () => void
  /** Calls `listener` whenever the state changes. The function that it returns ends this. */
  onStateChange(listener: (state: StoreState, error?: Error) => void): () => void
  /** As `SyncStore.onWarning`. */
  onWarning?(listener: (code: StoreWarningCode, subject: string) => void): () => void
  /**
   * The state that processes share beside keys, such as changes by `app.rateLimit.update()`. Optional:
   * nothing.
   */
  readonly fleet?: Fleet
  /**
   * Gives back what this process holds, and lets go of the client, which stays open: it is yours. A later
   * call starts from nothing.
   */
  close(): Promise<void>
}

export type Store = SyncStore | AsyncStore
