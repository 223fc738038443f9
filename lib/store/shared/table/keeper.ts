import type { Bucket, Charge } from '../../../../types/index.js'
import type { CompiledPolicy } from '../../../policy/index.js'
import type { KeyHasher } from '../../key-hash.js'
import type { Part } from './part.js'

/** A policy opened in a shared memory: the keys of its space are hashed with a seed of their own, the same in all threads. */
export interface SharedBucket extends Bucket {
  readonly policy: CompiledPolicy
  readonly tag: number
  readonly hasher: KeyHasher
  readonly keeper: Keeper
}

/** Where a key is: its part, its digest, and the first word of its slot or -1 while it has none. */
export interface Place {
  part: Part
  low: number
  high: number
  at: number
}

/**
 * Keeps the state of one kind of law in the slots of a part. `wait` loads a key's state, and `look`, `tell`, `prepare` and
 * `charge` go on with what was loaded last. All but `tell` are for who holds the part's lock. `now` is the time of the part in
 * microseconds.
 */
export interface Keeper {
  /** Is all that it keeps of a key in the key's slot? */
  readonly isWithinSlots: boolean
  /** Loads a key's state. Returns how long `cost` has to wait, in the law's own unit: 0 for not at all, `Infinity` for ever. */
  wait(bucket: SharedBucket, place: Place, cost: number, now: number): number
  /** Reads of the part what `tell` will need besides. */
  look(): void
  /** Fills the verdict of a charge that waits for so long, after a `look`: the lock may have been given back. */
  tell(charge: Charge, wait: number): void
  /**
   * Makes room for `cost` more units of a key that has a slot, which may move. For whoever looks on from outside nothing
   * changes but that other keys may be forgotten; it is committed. Returns 0, or how long to wait where there is no room.
   */
  prepare(place: Place, cost: number): number
  /** Charges a key that has been prepared. It happens at the next commit; `lone` if nothing else does. */
  charge(charge: Charge, place: Place, cost: number, lone: boolean): void
  /** Gives units back, as `SyncStore.refund` says. It happens at the next commit. */
  refund(charge: Charge, place: Place, now: number): void
  /** As `Owner.heat`. */
  heat(tag: number, part: Part, at: number, now: number): number
  /** As `Owner.release`. */
  release(part: Part, at: number): void
}
