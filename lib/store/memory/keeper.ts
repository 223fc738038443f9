import type { Bucket, Charge } from '../../../types/index.js'
import type { CompiledPolicy, SlidingWindow, TokenBucket } from '../../policy/index.js'
import type { KeyHasher } from '../key-hash.js'
import type { Table } from './table.js'

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

/** What slots of the table are used for: a law, blocks, or earlier blocks. */
export interface SlotUse {
  /** Equal for equal uses, and only for those. */
  readonly name: string
  readonly keeper: SlotKeeper
  /** The number of slots that have it. At 0 its `id` means nothing. */
  keys: number
  /** The law id that those slots hold. */
  id: number
}

/** The numbers of a law, shared by all buckets of equal numbers while any key uses them. */
export interface StoredLaw extends SlotUse {
  readonly numbers: TokenBucket | SlidingWindow
  readonly keeper: Keeper
  /** The microsecond at which its ticks start. For token buckets only. */
  epoch: number
}

/** Knows the state of slots of one use. `now` is the store's time in microseconds. */
export interface SlotKeeper {
  /** As `Evictor.heat` of the table. */
  heat(table: Table, slot: number, now: number, use: SlotUse): number
  /** Lets go of what the slot holds beside its state. */
  release(slot: number): void
}

/**
 * Keeps the state of one kind of law in the table. `slot` is the slot of a key, or -1 if it has none. `now`
 * is the store's time in microseconds.
 */
export interface Keeper extends SlotKeeper {
  /**
   * Writes the verdict of a charge for `cost`. If it is allowed and `commit` is set, charges it. Returns
   * whether it is allowed. A denial changes nothing, and no slot moves.
   */
  judge(charge: Charge, law: StoredLaw, cost: number, slot: number, now: number, commit: boolean): boolean
  /** Gives units back, as `SyncStore.refund` says. */
  refund(charge: Charge, law: StoredLaw, slot: number, now: number): void
  heat(table: Table, slot: number, now: number, law: StoredLaw): number
}

/** Gives a slot to the key that the store looked up last in a bucket, and that has none. */
export type Insert = (bucket: MemoryBucket) => number
