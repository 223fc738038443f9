import type { Bucket, Charge } from '../../../types/index.js'
import type { CompiledPolicy, SlidingWindow, TokenBucket } from '../../policy/index.js'
import type { KeyHasher } from '../key-hash.js'

/** A policy opened in a memory store. The store holds no reference to it, so an unused bucket is garbage. */
export interface MemoryBucket extends Bucket {
  readonly policy: CompiledPolicy
  /** Number of its key space. A bucket of an equal law opened in the same space shares its keys. */
  readonly space: number
  /** Hashes keys of that law in that space. */
  readonly hasher: KeyHasher
  /** Read it through `Laws.of`, because another bucket's equal law may be the one in use. */
  law: StoredLaw
}

/** The numbers of a law, shared by all buckets of equal numbers while any key uses them. */
export interface StoredLaw {
  /** Equal for equal laws, and only for those. */
  readonly name: string
  readonly numbers: TokenBucket | SlidingWindow
  readonly keeper: Keeper
  /** The number of slots that use it. At 0 its `id` means nothing. */
  keys: number
  /** The law id that those slots hold. */
  id: number
  /** The microsecond at which its ticks start. For token buckets only. */
  epoch: number
}

/**
 * Keeps the state of one kind of law in the table. `slot` is the slot of a key, or -1 if it has none. `now`
 * is the store's time in microseconds.
 */
export interface Keeper {
  /**
   * Writes the verdict of a charge for `cost`. If it is allowed and `commit` is set, charges it. Returns
   * whether it is allowed.
   */
  judge(charge: Charge, law: StoredLaw, cost: number, slot: number, now: number, commit: boolean): boolean
  /** Gives units back, as `SyncStore.refund` says. */
  refund(charge: Charge, law: StoredLaw, slot: number, now: number): void
  /** As `Evictor.heat` of the table. */
  heat(law: StoredLaw, slot: number, now: number): number
  release(slot: number): void
}

/** Gives a slot to the key that the store looked up last in a bucket, and that has none. */
export type Insert = (bucket: MemoryBucket) => number
