import type { Evictable } from '../eviction.js'
import { capacityOf } from './rings.js'
import type { Table } from './table.js'

/**
 * A view of the table for a hand that looks for units. It hides keys without a ring, the key that needs the
 * room, and small rings that have not expired: otherwise many small windows would go for one large one. Rings
 * of at least half the average size hold at least half of all units. So there are always some, and each gives
 * back enough units to pay for the search.
 */
export class RingView implements Evictable {
  readonly #table: Table
  readonly #hasRing: (slot: number) => boolean
  #kept = -1
  #least = 0

  constructor(table: Table, hasRing: (slot: number) => boolean) {
    this.#table = table
    this.#hasRing = hasRing
  }

  /** Hides the ring `kept` from now on, and rings of fewer slots than `least`. */
  look(kept: number, least: number): void {
    this.#kept = kept
    this.#least = least
  }

  get slots(): number {
    return this.#table.slots
  }

  get keys(): number {
    return this.#table.keys
  }

  get hand(): number {
    return this.#table.hand
  }

  set hand(slot: number) {
    this.#table.hand = slot
  }

  heatAt(slot: number): number {
    const table = this.#table
    if (!table.inUse(slot) || !this.#hasRing(slot)) return Number.POSITIVE_INFINITY
    const ref = table.state(slot)
    if (ref === this.#kept) return Number.POSITIVE_INFINITY
    const heat = table.heatAt(slot)
    return heat === 0 || capacityOf(ref) >= this.#least ? heat : Number.POSITIVE_INFINITY
  }

  remove(slot: number): void {
    this.#table.remove(slot)
  }
}
