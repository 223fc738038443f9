import { CROWDED, type Evictable, freeExpired, freeOrFind, LOOK_WHEN_CROWDED } from '../../eviction.js'
import type { Locks } from '../locking/locks.js'
import type { Cells } from '../memory/cells.js'
import {
  keysOf,
  type Layout,
  LINE_SLOTS,
  LINE_WORDS,
  PAGE,
  PAGE_WORDS,
  SLOT_WORDS,
} from '../memory/layout.js'
import { Slots } from './slots.js'

/** Who knows what the state of a slot means. */
export interface Owner {
  /** As `Evictable.heatAt`, of a slot in use, by its first word. */
  heat(part: Part, at: number): number
  /** The slot's key is about to be forgotten: what it holds elsewhere in the part is to be given back. */
  release(part: Part, at: number): void
}

const TWO_32 = 0x100000000

/**
 * One part of the keys: a table with linear probing, three slots of five words in each line after its latch, five sixths full at
 * most, so 26 bytes a key.
 *
 * Everything here is for who holds the part's lock, but for `homeLatch`, `latchOf`, `findInLine` and `last`. Who has the lock waits for a
 * latch before it deals with the state of a slot. No loop is longer than the table. Each verb that moves or removes a key is a change
 * of its own, committed when it returns.
 */
export class Part extends Slots implements Evictable {
  readonly number: number
  readonly slots: number
  readonly maxKeys: number
  /** Word at which the part's page begins, and that of its arena. */
  readonly page: number
  readonly arena: number
  readonly #table: number
  readonly #lines: number
  readonly #locks: Locks
  readonly #owner: Owner

  constructor(cells: Cells, layout: Layout, number: number, locks: Locks, owner: Owner) {
    super(cells, locks.journal)
    this.number = number
    this.slots = layout.slots
    this.#lines = layout.slots / LINE_SLOTS
    this.maxKeys = keysOf(layout, number)
    this.#locks = locks
    this.page = layout.pages + number * PAGE_WORDS
    this.#table = layout.tables + number * layout.partWords
    this.arena = this.#table + layout.tableWords
    this.#owner = owner
  }

  get keys(): number {
    return this.cells.words[this.page + PAGE.KEYS]
  }

  get hand(): number {
    const hand = this.cells.words[this.page + PAGE.HAND]
    return hand >= 0 && hand < this.slots ? hand : 0
  }

  set hand(slot: number) {
    this.cells.set(this.page + PAGE.HAND, slot)
  }

  /** Live keys forgotten so far. */
  get forgotten(): number {
    return this.cells.doubles[(this.page + PAGE.FORGOTTEN) >> 1]
  }

  /** The latest instant that an owner of the lock has seen, in microseconds. */
  get last(): number {
    return this.cells.doubles[(this.page + PAGE.LAST) >> 1]
  }

  /** The later of `now` and `last`, which becomes the latest: the part's time never steps back. */
  observe(now: number): number {
    const { last } = this
    if (last >= now) return last
    this.cells.setDouble(this.page + PAGE.LAST, now)
    return now
  }

  /** The first word of a digest's slot, or -1. Nobody changes its state then. */
  find(low: number, high: number): number {
    const slot = this.#look(low, high)
    if (slot < 0) return -1
    this.#settle(slot)
    return this.at(slot)
  }

  /** The latch of the line where the search for a digest begins. */
  homeLatch(low: number): number {
    return this.#table + this.#homeLine(low) * LINE_WORDS
  }

  /** The latch of the line that a digest is in, or -1: for who holds nothing, and so may be wrong. */
  latchOf(low: number, high: number): number {
    const slot = this.#look(low, high)
    return slot < 0 ? -1 : this.#latch(slot)
  }

  /** The first word of a digest's slot in the line of that latch, or -1. */
  findInLine(latch: number, low: number, high: number): number {
    const { words } = this.cells
    for (let at = latch + 1; at < latch + LINE_WORDS; at += SLOT_WORDS)
      if (words[at] === low && words[at + 1] === high) return at
    return -1
  }

  /** Gives a digest that is not there a slot of state 0, which equals none, forgetting another key if it must; returns its first word. */
  insert(low: number, high: number, tag: number): number {
    if (this.keys >= this.maxKeys) this.forgetOne(this)
    else if (this.keys >= this.maxKeys * CROWDED) freeExpired(this, LOOK_WHEN_CROWDED)
    let slot = this.#homeLine(low) * LINE_SLOTS
    for (let i = 0; i < this.slots && this.inUse(slot); i++) slot = this.#next(slot)
    const at = this.#save(slot)
    this.#count(1)
    const { cells } = this
    cells.set(at, low)
    cells.set(at + 1, high)
    this.clear(at, tag)
    this.journal.commit()
    return at
  }

  /** Makes room as the hand finds it in this part, or in a view of it: at least one key goes, if there is any that may. */
  forgetOne(view: Evictable): void {
    const coolest = freeOrFind(view)
    if (coolest < 0) return
    const at = this.page + PAGE.FORGOTTEN
    this.journal.save(at, 2)
    this.cells.setDouble(at, this.forgotten + 1)
    this.remove(coolest)
  }

  /** Empties a slot and closes the gap, so that every probe still finds its key. Other slots may move. */
  remove(slot: number): void {
    const { words } = this.cells
    this.#owner.release(this, this.at(slot))
    this.#count(-1)
    let gap = slot
    let next = this.#next(slot)
    for (let i = 1; i < this.slots && this.inUse(next); i++) {
      const at = this.at(next)
      if (this.#distance(this.#homeLine(words[at]) * LINE_SLOTS, next) >= this.#distance(gap, next)) {
        this.#settle(next)
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

  /** Frees every expired key; returns how many. */
  sweep(): number {
    this.hand = 0
    return freeExpired(this, this.slots)
  }

  heatAt(slot: number): number {
    if (!this.inUse(slot)) return Number.POSITIVE_INFINITY
    this.#settle(slot)
    return this.#owner.heat(this, this.at(slot))
  }

  inUse(slot: number): boolean {
    const at = this.at(slot)
    return this.cells.words[at] !== 0 || this.cells.words[at + 1] !== 0
  }

  /** Frees the slot whose first word that is. */
  removeAt(at: number): void {
    const line = Math.floor((at - this.#table) / LINE_WORDS)
    this.remove((at - this.#table - line - 1) / SLOT_WORDS)
  }

  /** The first word of a slot. */
  at(slot: number): number {
    // Each line has one word beside its slots, and the latch comes first.
    return this.#table + slot * SLOT_WORDS + lineOf(slot) + 1
  }

  #homeLine(low: number): number {
    return (((low >>> 0) * this.#lines) / TWO_32) | 0
  }

  #latch(slot: number): number {
    return this.#table + lineOf(slot) * LINE_WORDS
  }

  #look(low: number, high: number): number {
    const { words } = this.cells
    let slot = this.#homeLine(low) * LINE_SLOTS
    for (let i = 0; i < this.slots; i++) {
      const at = this.at(slot)
      if (words[at] === low && words[at + 1] === high) return slot
      if (words[at] === 0 && words[at + 1] === 0) return -1
      slot = this.#next(slot)
    }
    return -1
  }

  /** Waits until nobody holds the latch of a slot's line; while the part is locked, nobody takes it to any effect. */
  #settle(slot: number): void {
    const latch = this.#latch(slot)
    if (Atomics.load(this.cells.words, latch) !== 0) this.#locks.awaitLatch(latch)
  }

  #save(slot: number): number {
    const at = this.at(slot)
    this.journal.save(at, SLOT_WORDS)
    return at
  }

  #count(more: number): void {
    const at = this.page + PAGE.KEYS
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

function lineOf(slot: number): number {
  return (slot / LINE_SLOTS) | 0
}
