import type { Charge } from '../../../types/index.js'
import { type Ring, type SlidingWindow, slidingWindow } from '../../policy/index.js'
import type { Keeper, MemoryBucket, Shelf } from './keeper.js'
import { newRing, RingArena, unload } from './rings.js'
import type { Table } from './table.js'

/** Sliding windows: the state of a slot names its ring in the arena. */
export class WindowKeeper implements Keeper {
  readonly #table: Table
  readonly #shelf: Shelf
  readonly #laws: SlidingWindow[] = []
  readonly #arena = new RingArena()
  readonly #ring: Ring = newRing()

  constructor(table: Table, shelf: Shelf) {
    this.#table = table
    this.#shelf = shelf
  }

  admit(tag: number, law: SlidingWindow): void {
    this.#laws[tag] = law
  }

  judge(charge: Charge, slot: number, now: number, commit: boolean): boolean {
    const { tag } = charge.bucket as MemoryBucket
    const law = this.#laws[tag]
    const ring = this.#load(slot)
    const wait = slidingWindow.wait(law, ring, now, charge.cost)
    const allowed = wait === 0
    let used = slidingWindow.used(law, ring, now)
    if (commit) {
      if (!allowed) {
        if (slot >= 0) this.#table.mark(slot)
      } else if (charge.cost > 0) {
        slidingWindow.expire(ring, used)
        used += charge.cost
        this.#write(slot, tag, now, charge.cost)
      }
    }
    charge.allowed = allowed
    charge.remaining = law.rate - used
    charge.resetAfter = Math.ceil(slidingWindow.resetAfter(law, ring, now) / 1000)
    charge.renewAfter = Math.ceil(slidingWindow.renewAfter(law, ring, now, used) / 1000)
    charge.retryAfter = Math.ceil(wait / 1000)
    return allowed
  }

  refund(bucket: MemoryBucket, slot: number, now: number, cost: number): void {
    const ring = this.#load(slot)
    slidingWindow.expire(ring, slidingWindow.used(this.#laws[bucket.tag], ring, now))
    slidingWindow.refund(ring, cost)
    const ref = this.#table.state(slot)
    this.#arena.save(ref, ring)
    this.#table.setState(slot, ref)
  }

  heat(slot: number, now: number): number {
    const law = this.#laws[this.#table.tag(slot)]
    const spent = slidingWindow.used(law, this.#load(slot), now) / law.rate
    return this.#table.marked(slot) && spent === 1 ? 2 : spent
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
  #write(slot: number, tag: number, now: number, cost: number): void {
    const ring = this.#ring
    let ref: number
    if (slot < 0) {
      // The table first: making room there uses the one ring of this keeper.
      slot = this.#shelf.insert(tag)
      ref = this.#arena.open(cost)
      this.#arena.load(ref, ring)
    } else {
      ref = this.#table.state(slot)
      const units = ring.count + cost
      if (units > ring.capacity) ref = this.#arena.grow(ref, ring, units)
    }
    slidingWindow.charge(ring, now, cost)
    this.#arena.save(ref, ring)
    this.#table.setState(slot, ref)
  }
}
