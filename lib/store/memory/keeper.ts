import type { Bucket, Charge } from '../../../types/index.js'
import type { CompiledPolicy, SlidingWindow, TokenBucket } from '../../policy/index.js'
import type { KeyHasher } from '../key-hash.js'

/** A policy opened in a memory store. The store keeps nothing of it: a bucket that is dropped is garbage. */
export interface MemoryBucket extends Bucket {
  readonly policy: CompiledPolicy
  /** Number of its key space. A bucket of an equal law opened in the same space shares its keys. */
  readonly space: number
  /** Hashes keys of that law in that space. */
  readonly hasher: KeyHasher
  /** Read it through `Laws.of`: other buckets of an equal law may have brought theirs into use. */
  law: StoredLaw
}

/** The numbers of a law, shared by all buckets of equal numbers while any key uses them. */
export interface StoredLaw {
  /** What equal laws have in common. */
  readonly name: string
  readonly numbers: TokenBucket | SlidingWindow
  readonly keeper: Keeper
  /** Slots whose keys it judges. At 0 its `tag` means nothing. */
  keys: number
  /** The number under which those slots know it. */
  tag: number
  /** Microsecond at which its ticks start, for token buckets. */
  epoch: number
}

/**
 * Keeps the state of one kind of law in the table. `slot` is a key's slot or -1 where it has none; `now` is the store's time
 * in microseconds.
 */
export interface Keeper {
  /** Fills the verdict of a charge for `cost`; charges it if `commit` and it is allowed. Returns whether it is allowed. */
  judge(charge: Charge, law: StoredLaw, cost: number, slot: number, now: number, commit: boolean): boolean
  /** Gives units back, as `SyncStore.refund` says. */
  refund(charge: Charge, law: StoredLaw, slot: number, now: number): void
  /** As `Owner.heat` of the table. */
  heat(law: StoredLaw, slot: number, now: number): number
  release(slot: number): void
}

/** Where a keeper asks for the slot of the key that was looked up last in a bucket. */
export interface Shelf {
  /** A new one, for a key that has none yet. */
  insert(bucket: MemoryBucket): number
  /** The one that it has, after others may have moved. */
  find(bucket: MemoryBucket): number
}
