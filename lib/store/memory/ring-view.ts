import type { Evictable } from '../eviction.js'
import { capacityOf } from './rings.js'
import type { Table } from './table.js'

/**
 * The table as the hand sees it that looks for units. Keys without a ring are not there, nor is the key that needs the room, nor
 * are small rings unless they have expired: many of them would go for one large ring, which their limiters do not deserve.
 * Rings of half the average and more hold half of all units at least, so that there always are some, and what it takes to find
 * one is made up for by what it gives back.
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

  /** From now on spares the ring `kept`, and those of fewer slots than `least`. */
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
