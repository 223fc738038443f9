import type { Bucket, Charge } from '../../../types/index.js'
import type { CompiledPolicy } from '../../policy/index.js'

/** A policy opened in a memory store: its key space, and the tag under which its law is known in the table. */
export interface MemoryBucket extends Bucket {
  readonly policy: CompiledPolicy
  readonly space: number
  readonly tag: number
  readonly keeper: Keeper
}

/**
 * Keeps the state of one kind of law in the table. `slot` is a key's slot or -1 where it has none; `now` is the store's time
 * in microseconds.
 */
export interface Keeper {
  /** Fills the verdict of a charge for `cost`; charges it if `commit` and it is allowed. Returns whether it is allowed. */
  judge(charge: Charge, cost: number, slot: number, now: number, commit: boolean): boolean
  /** Gives units back, as `SyncStore.refund` says. */
  refund(charge: Charge, slot: number, now: number): void
  /** As `Owner.heat` of the table. */
  heat(slot: number, now: number): number
  release(slot: number): void
}

/** Where a keeper asks for a slot: that of the digest just looked up, which has none yet. */
export interface Shelf {
  insert(tag: number): number
}
