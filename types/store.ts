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
 * What a store holds at this moment.
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

/** Where the state of one policy lives inside a store. Only the store that opened it can read it. */
export interface Bucket {
  readonly policy: Policy
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
  /** Verdict: who decided. */
  source: Source
}

/**
 * Who decided. `'store'`: the store. `'local'`: it did not answer, and laws kept in this process decided.
 * `'none'`: it did not answer, everything is allowed meanwhile, and `Infinity` units are left.
 */
export type Source = 'store' | 'local' | 'none'

/**
 * Where state lives and which clock counts. A store decides a list of charges at one instant, all or nothing:
 * `take` charges every one of them or, if any is denied, none. It writes the verdict of every charge either
 * way.
 */
export interface SyncStore {
  readonly sync: true
  /**
   * Makes room for a policy. Every call opens a space of its own, so two limiters never share keys by
   * accident. `space` names the limiter, for stores that processes share: those that open the same spaces and
   * policies, in the same order, share their keys.
   */
  open(policy: Policy, space: string): Bucket
  /** Charges all or none. Returns whether all were allowed. */
  take(charges: readonly Charge[]): boolean
  /** Returns and writes what `take` would, and charges nothing. */
  peek(charges: readonly Charge[]): boolean
  /**
   * Gives back up to `cost` of the units charged at `chargedAt`, never above the limit. Writes no verdict.
   */
  refund(charges: readonly Charge[]): void
  /** Forgets each key, as if the store had never seen it. Writes no verdict. */
  reset(charges: readonly Charge[]): void
  /** What the store holds now. */
  stats(): StoreStats
  /**
   * Frees what has expired, now, and returns how many keys went. Optional: the store also makes room on
   * demand.
   */
  sweep(): number
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
  readonly state: StoreState
  /** As `SyncStore.open`. */
  open(policy: Policy, space: string): Bucket
  /** Charges all or none. Returns whether all were allowed. */
  take(charges: readonly Charge[]): boolean | Promise<boolean>
  /** Returns and writes what `take` would, and charges nothing. */
  peek(charges: readonly Charge[]): boolean | Promise<boolean>
  /** As `SyncStore.refund`. */
  refund(charges: readonly Charge[]): void | Promise<void>
  /** Forgets each key, as if the store had never seen it. Writes no verdict. */
  reset(charges: readonly Charge[]): void | Promise<void>
  /** The name under which the store keeps the key: what an operator looks for. */
  storeKey(bucket: Bucket, key: string): string
  /** Calls `listener` whenever the state changes. The function that it returns ends this. */
  onStateChange(listener: (state: StoreState, error?: Error) => void): () => void
  /** As `SyncStore.onWarning`. */
  onWarning?(listener: (code: StoreWarningCode, subject: string) => void): () => void
  /**
   * Gives back what this process holds, and lets go of the client, which stays open: it is yours. A later
   * call starts from nothing.
   */
  close(): Promise<void>
}

export type Store = SyncStore | AsyncStore
