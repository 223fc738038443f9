import { CROWDED, type Evictable, freeExpired, freeOrFind, LOOK_WHEN_CROWDED } from '../../eviction.js'
import type { Journal } from '../locking/journal.js'
import type { Cells } from '../memory/cells.js'
import { keysOf, type Layout, PART, PART_HEADER_WORDS, SLOT_WORDS } from '../memory/layout.js'
import { BuddyAllocator } from './buddy-allocator.js'
import { Slots, WINDOW } from './slots.js'

/** Judges keys for a part, which knows slots and no laws. */
export interface Evictor {
  /** As `Evictable.heatAt`, for a slot in use, given its first word. */
  heat(part: Part, at: number): number
  /** Gives back the segment of a key that is about to be forgotten, or blocked. */
  release(part: Part, at: number): void
  /** A key that is denied or blocked is about to be forgotten. */
  forgetsDenied(): void
}

const TWO_32 = 0x100000000

/**
 * One part of the keys: a table with linear probing, five words a slot, at most five sixths full, so 24 bytes
 * a key; and an arena of rings.
 *
 * Only the owner of the part's lock may call this; `keys` and `forgotten` are for everybody. No loop is
 * longer than the table. Each method that moves or removes a key commits before it returns.
 */
export class Part extends Slots implements Evictable {
  readonly number: number
  readonly slots: number
  readonly maxKeys: number
  /** The word of the part's lock, where its header begins. */
  readonly header: number
  /** The rings of its keys. */
  readonly arena: BuddyAllocator
  readonly #table: number
  readonly #evictor: Evictor
  /** Whether the hand passes over keys that have no ring. */
  #ringsOnly = false

  constructor(cells: Cells, layout: Layout, number: number, journal: Journal, evictor: Evictor) {
    super(cells, journal)
    this.number = number
    this.slots = layout.slots
    this.maxKeys = keysOf(layout, number)
    this.header = layout.partHeaders + number * PART_HEADER_WORDS
    this.#table = layout.tables + number * layout.partWords
    const base = this.#table + layout.tableWords
    this.arena = new BuddyAllocator(cells, journal, base, this.header + PART.FREE, layout.order)
    this.#evictor = evictor
  }

  get keys(): number {
    return this.cells.words[this.header + PART.KEYS]
  }

  get hand(): number {
    return this.cells.words[this.header + PART.HAND]
  }

  set hand(slot: number) {
    this.cells.set(this.header + PART.HAND, slot)
  }

  /** Live keys forgotten so far. */
  get forgotten(): number {
    return this.cells.doubles[(this.header + PART.FORGOTTEN) >> 1]
  }

  /** The first word of a digest's slot, or -1. */
  find(low: number, high: number): number {
    const { words } = this.cells
    let slot = this.#home(low)
    for (let i = 0; i < this.slots; i++) {
      const at = this.#table + slot * SLOT_WORDS
      if (words[at] === low && words[at + 1] === high) return at
      if (words[at] === 0 && words[at + 1] === 0) return -1
      slot = this.#next(slot)
    }
    return -1
  }

  /**
   * Gives a digest that has no slot the slot of a full bucket, or that of an empty window of so many
   * microseconds. Forgets another key if the part is full. Returns the slot's first word.
   */
  insert(low: number, high: number, window = 0): number {
    if (this.keys >= this.maxKeys) this.forgetOne()
    else if (this.keys >= this.maxKeys * CROWDED) freeExpired(this, LOOK_WHEN_CROWDED)
    let slot = this.#home(low)
    for (let i = 0; i < this.slots && this.#inUse(slot); i++) slot = this.#next(slot)
    this.#count(1)
    const at = this.#save(slot)
    const { cells } = this
    cells.set(at, low)
    cells.set(at + 1, high)
    cells.set(at + 2, window === 0 ? 0 : WINDOW)
    cells.set(at + 3, window)
    cells.set(at + 4, Math.floor(window / TWO_32))
    this.journal.commit()
    return at
  }

  /** As `insert` of a bucket; returns -1 if the part is full of keys that may not go. */
  insertIfRoom(low: number, high: number): number {
    if (this.keys >= this.maxKeys) this.forgetOne()
    return this.keys >= this.maxKeys ? -1 : this.insert(low, high)
  }

  /** Blocks a key until that microsecond, in place of all that it has, at the next commit. */
  block(at: number, until: number): void {
    this.#evictor.release(this, at)
    this.setUntil(at, until, 0)
  }

  /** Forgets at least one key, if any may go. `ringsOnly` says that keys without a ring stay. */
  forgetOne(ringsOnly = false): void {
    let coolest = -1
    try {
      this.#ringsOnly = ringsOnly
      coolest = freeOrFind(this)
    } finally {
      this.#ringsOnly = false
    }
    if (coolest < 0) return
    const at = this.header + PART.FORGOTTEN
    this.journal.save(at, 2)
    this.cells.setDouble(at, this.forgotten + 1)
    if (this.denies(this.#table + coolest * SLOT_WORDS)) this.#evictor.forgetsDenied()
    this.remove(coolest)
  }

  /** Empties a slot and closes the gap, so that every probe still finds its key. Other slots may move. */
  remove(slot: number): void {
    const { words } = this.cells
    this.#evictor.release(this, this.#table + slot * SLOT_WORDS)
    this.#count(-1)
    let gap = slot
    let next = this.#next(slot)
    for (let i = 1; i < this.slots && this.#inUse(next); i++) {
      const at = this.#table + next * SLOT_WORDS
      if (this.#distance(this.#home(words[at]), next) >= this.#distance(gap, next)) {
        const to = this.#save(gap)
        for (let word = 0; word < SLOT_WORDS; word++) this.cells.set(to + word, words[at + word])
        gap = next
      }
      next = this.#next(next)
    }
    const at = this.#save(gap)
    this.cells.set(at, 0)
    this.cells.set(at + 1, 0)
    this.journal.commit()
  }

  /** As `remove`, given the slot's first word. */
  removeAt(at: number): void {
    this.remove((at - this.#table) / SLOT_WORDS)
  }

  /** Frees every expired key; returns how many. */
  sweep(): number {
    this.hand = 0
    return freeExpired(this, this.slots)
  }

  heatAt(slot: number): number {
    const at = this.#table + slot * SLOT_WORDS
    if (!this.#inUse(slot) || (this.#ringsOnly && !(this.isWindow(at) && this.ref(at) > 0)))
      return Number.POSITIVE_INFINITY
    return this.#evictor.heat(this, at)
  }

  #inUse(slot: number): boolean {
    const at = this.#table + slot * SLOT_WORDS
    return this.cells.words[at] !== 0 || this.cells.words[at + 1] !== 0
  }

  #home(low: number): number {
    return Math.floor(((low >>> 0) * this.slots) / TWO_32)
  }

  #save(slot: number): number {
    const at = this.#table + slot * SLOT_WORDS
    this.journal.save(at, SLOT_WORDS)
    return at
  }

  #count(more: number): void {
    const at = this.header + PART.KEYS
    this.journal.save(at, 1)
    this.cells.set(at, this.cells.words[at] + more)
  }

  #next(slot: number): number {
    return slot + 1 === this.slots ? 0 : slot + 1
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.slots
  }
}
