import type { Policy } from './policy.js'

/** A source of time. Only differences count: the origin is free, and a step back counts as no time at all. */
export interface Clock {
  /** Milliseconds; fractions count, to the microsecond. */
  now(): number
}

/** What a store holds, at this moment. */
export interface StoreStats {
  /** Keys held, those included that have expired and are not yet swept. */
  readonly keys: number
  /** Most keys that are ever held. */
  readonly maxKeys: number
  /** Keys forgotten while they still counted, because the store was full. 0 is what you want to see. */
  readonly forgotten: number
  /** Room that sliding windows have taken for the units that they remember, in slots of 8 bytes. */
  readonly units?: number
  /** Most of it that is ever taken. */
  readonly maxUnits?: number
}

/** Where the state of one policy lives inside a store. Only the store that opened it can read it. */
export interface Bucket {
  readonly policy: Policy
}

/**
 * One policy asked about one key: the question (`bucket`, `key`, `cost`) and, once the store has answered, the
 * verdict. Charges are reused from call to call, so that a decision allocates nothing here.
 */
export interface Charge {
  readonly bucket: Bucket
  key: string
  /** Units: an integer >= 0. */
  cost: number
  /** Verdict: would this policy alone let the cost pass? */
  allowed: boolean
  /** Verdict: units left, rounded down. */
  remaining: number
  /** Verdict: whole ms until full again. */
  resetAfter: number
  /** Verdict: whole ms until the next unit comes back; 0 when none is out. */
  renewAfter: number
  /**
   * Written by `take`: when the units were charged, in the store's own terms. A refund with it gives back those units
   * only, as far as they still count; `Infinity`, as it is at first, gives back the newest. A token bucket is one number
   * a key: where charges overlap, or the key was reset in between, a late refund may count units that have come back
   * already, never more than its own cost.
   */
  chargedAt: number
  /** Verdict: whole ms until the cost fits; 0 when allowed, `Infinity` for never. */
  retryAfter: number
  /** Who gave the verdict. */
  source: Source
}

/**
 * Who answered: the store; laws kept in this process while the store does not answer; or nobody, where all is allowed
 * meanwhile: `Infinity` units are left then.
 */
export type Source = 'store' | 'local' | 'none'

/**
 * Where state lives and which clock counts. A store answers for a list of charges at one instant, all or nothing:
 * `take` charges every one of them or, if any is denied, none. All verdicts are filled in either way.
 */
export interface SyncStore {
  readonly sync: true
  /**
   * Makes room for a policy. Every call opens a space of its own: two limiters never share keys by accident. `space` names the
   * limiter, for stores that processes share: those that open the same spaces and policies, in the same order, share their keys.
   */
  open(policy: Policy, space: string): Bucket
  /** Charges all or none; tells whether all were allowed. */
  take(charges: readonly Charge[]): boolean
  /** Answers what `take` would answer, and charges nothing. */
  peek(charges: readonly Charge[]): boolean
  /** Gives back up to `cost` of the units charged at `chargedAt`, never lifting a key above full. Fills no verdict. */
  refund(charges: readonly Charge[]): void
  /** Forgets each key, as if it had never been seen. Fills no verdict. */
  reset(charges: readonly Charge[]): void
  stats(): StoreStats
  /** Frees what has expired, now; returns how many keys went. Nothing needs it: room is also made on demand. */
  sweep(): number
}

/** `'up'`: the store answers. `'down'`: it failed several times in a row, and is asked once in a while only. */
export type StoreState = 'up' | 'down'

/**
 * A store that is asked over a network. What it can answer without, it answers at once; else with a promise. A call that
 * the store does not answer in time is answered as the store's options say, and rejects only if they say so.
 */
export interface AsyncStore {
  readonly sync: false
  readonly state: StoreState
  /** As `SyncStore.open`. */
  open(policy: Policy, space: string): Bucket
  /** Charges all or none; tells whether all were allowed. */
  take(charges: readonly Charge[]): boolean | Promise<boolean>
  /** Answers what `take` would answer, and charges nothing. */
  peek(charges: readonly Charge[]): boolean | Promise<boolean>
  /** As `SyncStore.refund`. */
  refund(charges: readonly Charge[]): void | Promise<void>
  /** Forgets each key, as if it had never been seen. Fills no verdict. */
  reset(charges: readonly Charge[]): void | Promise<void>
  /** The name under which the store keeps that key: what an operator looks for. */
  storeKey(bucket: Bucket, key: string): string
  /** Calls `listener` when the state changes, until the function that it returns is called. */
  onStateChange(listener: (state: StoreState, error?: Error) => void): () => void
  /**
   * Calls `listener` when the store is set up so that limits may be weaker than they say, with the code of a warning and what it is
   * about, until the function that it returns is called. Where nobody listens, the process is warned. Stores may do without.
   */
  onWarning?(listener: (code: 'FST_FLOODGATE_W008', subject: string) => void): () => void
  /** Gives back what this process holds, and lets go of the client, which stays open: it is yours. A later call starts anew. */
  close(): Promise<void>
}

export type Store = SyncStore | AsyncStore
