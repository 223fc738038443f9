import type { Bucket, Charge } from '../../../../types/index.js'
import type { CompiledPolicy } from '../../../policy/index.js'
import type { KeyHasher } from '../../key-hash.js'
import type { Part } from './part.js'

/**
 * A policy opened in a shared memory. Its keys are hashed with a seed of their own, which is the same in all
 * threads.
 */
export interface SharedBucket extends Bucket {
  readonly policy: CompiledPolicy
  /** The full name of its space. */
  readonly space: string
  readonly hasher: KeyHasher
  readonly keeper: Keeper
  /** As `fillBits` of slots; 0 for a window. */
  readonly fillBits: number
}

/** Where a key is: its part, its digest, and the first word of its slot, or -1 if it has none. */
export interface Place {
  part: Part
  low: number
  high: number
  at: number
}

/**
 * What a judgement changes: `'nothing'`; or it charges an allowed charge, which is the only one of its call
 * (`'single'`) or one of several whose keys are all prepared (`'prepared'`).
 */
export type Effect = 'nothing' | 'single' | 'prepared'

/**
 * Keeps the state of one kind of law in the slots of a part. Everything here is for the owner of the part's
 * lock. `now` is the time of the call in microseconds. A thread reads its clock before it waits for a lock,
 * so a key may hold later instants.
 */
export interface Keeper {
  /**
   * Fills the verdict of a charge for `cost`; returns whether it is allowed. A charge happens at the next
   * commit.
   */
  judge(charge: Charge, cost: number, place: Place, now: number, effect: Effect): boolean
  /**
   * Gives a key a slot if it has none, and room for `cost` more units; the key may move. This commits, and
   * changes no verdict but those of keys that are forgotten. Returns false, and fills the verdict, if there
   * is no room.
   */
  prepare(charge: Charge, cost: number, place: Place, now: number): boolean
  /** Gives units back at the next commit, as `SyncStore.refund` says. */
  refund(charge: Charge, place: Place, now: number): void
  /** As `Evictor.heat`. */
  heat(part: Part, at: number, now: number): number
  /** As `Evictor.release`. */
  release(part: Part, at: number): void
}
