import type { Charge } from '../../../types/index.js'
import { type Ring, type SlidingWindow, slidingWindow } from '../../policy/index.js'
import { newRing, unload } from '../ring.js'
import { windowVerdict } from '../verdict.js'
import type { Keeper, MemoryBucket, Shelf, StoredLaw } from './keeper.js'
import { newestOf, oldestOf, RingArena } from './rings.js'
import type { Table } from './table.js'

/** A ring that is less full than this moves to a smaller block; the smallest are never. */
const SPARSE = 1 / 8

/** Sliding windows: the state of a slot names its ring in the arena. */
export class WindowKeeper implements Keeper {
  readonly #table: Table
  readonly #shelf: Shelf
  readonly #arena = new RingArena()
  readonly #ring: Ring = newRing()

  constructor(table: Table, shelf: Shelf) {
    this.#table = table
    this.#shelf = shelf
  }

  judge(
    charge: Charge,
    { numbers }: StoredLaw,
    cost: number,
    slot: number,
    now: number,
    commit: boolean,
  ): boolean {
    const law = numbers as SlidingWindow
    const ring = this.#load(slot)
    if (cost === 1 && ring.count === law.rate && slot >= 0) {
      // Full: while its oldest unit counts there is nothing else to look at.
      const wait = oldestOf(ring) + law.window - now
      if (wait > 0) {
        if (commit) this.#table.mark(slot)
        windowVerdict(charge, law, law.rate, wait, newestOf(ring) + law.window - now, wait)
        return false
      }
    }
    slidingWindow.settle(ring, now)
    const wait = slidingWindow.wait(law, ring, now, cost)
    const allowed = wait === 0
    let used = slidingWindow.used(law, ring, now)
    if (commit) {
      if (!allowed) {
        // What never fits is no reason to keep a key.
        if (slot >= 0 && wait !== Number.POSITIVE_INFINITY) this.#table.mark(slot)
      } else if (cost > 0) {
        slidingWindow.expire(ring, used)
        used += cost
        this.#write(slot, charge.bucket as MemoryBucket, now, cost)
        charge.stamp = now
      }
    }
    const oldest = slidingWindow.renewAfter(law, ring, now, used)
    windowVerdict(charge, law, used, oldest, slidingWindow.resetAfter(law, ring, now), wait)
    return allowed
  }

  refund({ cost, stamp }: Charge, { numbers }: StoredLaw, slot: number, now: number): void {
    const ring = this.#load(slot)
    slidingWindow.expire(ring, slidingWindow.used(numbers as SlidingWindow, ring, now))
    slidingWindow.refund(ring, cost, stamp)
    const ref = this.#table.state(slot)
    this.#arena.save(ref, ring)
    this.#table.setState(slot, ref)
  }

  heat({ numbers }: StoredLaw, slot: number, now: number): number {
    const law = numbers as SlidingWindow
    const spent = slidingWindow.used(law, this.#load(slot), now) / law.rate
    return spent > 0 && this.#table.marked(slot) ? 1 + spent : spent
  }

  release(slot: number): void {
    this.#arena.close(this.#table.state(slot))
  }

  #load(slot: number): Ring {
    if (slot < 0) unload(this.#ring)
    else this.#arena.load(this.#table.state(slot), this.#ring)
    return this.#ring
  }

  /** Adds units to the loaded ring, with a slot in the table and a larger block where it needs them. */
  #write(slot: number, bucket: MemoryBucket, now: number, cost: number): void {
    const ring = this.#ring
    let ref: number
    if (slot < 0) {
      // In this order: without memory for a ring there must be no slot, and making room for a slot uses our ring.
      ref = this.#arena.open(cost)
      slot = this.#shelf.insert(bucket)
      this.#arena.load(ref, ring)
    } else {
      ref = this.#table.state(slot)
      const units = ring.count + cost
      if (units > ring.capacity || units <= ring.capacity * SPARSE) ref = this.#arena.move(ref, ring, units)
    }
    slidingWindow.charge(ring, now, cost)
    this.#arena.save(ref, ring)
    this.#table.setState(slot, ref)
  }
}
