import { CROWDED, type Evictable, freeExpired, freeOrFind, LOOK_WHEN_CROWDED } from '../eviction.js'
import type { Cells } from './cells.js'
import type { Journal } from './journal.js'
import { keysOf, type Layout, PAGE, PAGE_WORDS, SLOT_WORDS, TAGS } from './layout.js'

/** Who knows what the state of a slot means. */
export interface Owner {
  /** As `Evictable.heatAt`, of a slot in use. */
  heat(part: Part, slot: number): number
  /** The slot's key is about to be forgotten: what it holds elsewhere in the part is to be given back. */
  release(part: Part, slot: number): void
}

const TWO_32 = 0x100000000
const TAG_SHIFT = 1
const EXTRA_SHIFT = 11
const MARK = 1

/**
 * One part of the keys: a table with linear probing, five words a slot, five sixths full at most, so 24 bytes a key.
 *
 *     word 0, 1   digest of the key; both 0: the slot is empty
 *     word 2      1 bit of mark, 10 of tag, 17 of extra state
 *     word 3, 4   53 bits of state
 *
 * Everything here is for who holds the part's lock. Words are never trusted: what is read is brought into range, no loop is
 * longer than the table. Each verb that moves or removes a key is a change of its own, committed when it returns.
 */
export class Part implements Evictable {
  readonly number: number
  readonly slots: number
  readonly maxKeys: number
  readonly journal: Journal
  readonly cells: Cells
  /** Word at which the part's page begins, and that of its arena. */
  readonly page: number
  readonly arena: number
  readonly #table: number
  readonly #owner: Owner

  constructor(cells: Cells, layout: Layout, number: number, journal: Journal, owner: Owner) {
    this.cells = cells
    this.number = number
    this.slots = layout.slots
    this.maxKeys = keysOf(layout, number)
    this.journal = journal
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

  /** The later of `now` and the latest instant that the part has seen, in microseconds: its time never steps back. */
  observe(now: number): number {
    const at = this.page + PAGE.LAST
    const last = this.cells.doubles[at >> 1]
    if (last >= now) return last
    this.cells.setDouble(at, now)
    return now
  }

  /** The slot of a digest, or -1. */
  find(low: number, high: number): number {
    const { words } = this.cells
    let slot = this.#home(low)
    for (let i = 0; i < this.slots; i++) {
      const at = this.#table + slot * SLOT_WORDS
      if (words[at] === low && words[at + 1] === high) return slot
      if (words[at] === 0 && words[at + 1] === 0) return -1
      slot = this.#next(slot)
    }
    return -1
  }

  /** Gives a digest that is not there a slot of state 0, which equals none, forgetting another key if it must. */
  insert(low: number, high: number, tag: number): number {
    if (this.keys >= this.maxKeys) this.forgetOne(this)
    else if (this.keys >= this.maxKeys * CROWDED) freeExpired(this, LOOK_WHEN_CROWDED)
    let slot = this.#home(low)
    for (let i = 0; i < this.slots && this.inUse(slot); i++) slot = this.#next(slot)
    const at = this.#table + slot * SLOT_WORDS
    this.journal.save(at, SLOT_WORDS)
    this.#count(1)
    const { cells } = this
    cells.set(at, low)
    cells.set(at + 1, high)
    cells.set(at + 2, tag << TAG_SHIFT)
    cells.set(at + 3, 0)
    cells.set(at + 4, 0)
    this.journal.commit()
    return slot
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
    this.#owner.release(this, slot)
    this.#count(-1)
    let gap = slot
    let next = this.#next(slot)
    for (let i = 1; i < this.slots && this.inUse(next); i++) {
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

  /** Frees every expired key; returns how many. */
  sweep(): number {
    this.hand = 0
    return freeExpired(this, this.slots)
  }

  heatAt(slot: number): number {
    return this.inUse(slot) ? this.#owner.heat(this, slot) : Number.POSITIVE_INFINITY
  }

  inUse(slot: number): boolean {
    const at = this.#table + slot * SLOT_WORDS
    return this.cells.words[at] !== 0 || this.cells.words[at + 1] !== 0
  }

  holds(slot: number, low: number, high: number): boolean {
    const at = this.#table + slot * SLOT_WORDS
    return this.cells.words[at] === low && this.cells.words[at + 1] === high
  }

  /** An integer from 0 to 2^53 - 1. */
  state(slot: number): number {
    const at = this.#table + slot * SLOT_WORDS
    return ((this.cells.words[at + 4] & 0x1fffff) >>> 0) * TWO_32 + (this.cells.words[at + 3] >>> 0)
  }

  /** An integer from 0 to 2^17 - 1. */
  extra(slot: number): number {
    return (this.cells.words[this.#table + slot * SLOT_WORDS + 2] >>> EXTRA_SHIFT) & 0x1ffff
  }

  tag(slot: number): number {
    return (this.cells.words[this.#table + slot * SLOT_WORDS + 2] >>> TAG_SHIFT) & (TAGS - 1)
  }

  marked(slot: number): boolean {
    return (this.cells.words[this.#table + slot * SLOT_WORDS + 2] & MARK) === MARK
  }

  /**
   * Sets state and extra state and clears the mark, at the next commit. `lone` if nothing else is written with it: then it needs
   * no note where only one word changes, as it mostly does.
   */
  setState(slot: number, tag: number, state: number, extra: number, lone = false): void {
    const { words } = this.cells
    const at = this.#table + slot * SLOT_WORDS + 2
    const first = (extra << EXTRA_SHIFT) | (tag << TAG_SHIFT)
    const last = Math.floor(state / TWO_32)
    if (lone && words[at] === first && words[at + 2] === last) {
      this.cells.set(at + 1, state)
      return
    }
    this.journal.save(at, 3)
    this.cells.set(at, first)
    this.cells.set(at + 1, state)
    this.cells.set(at + 2, last)
  }

  /** Marks the key as being denied: one word, so there is nothing to put back. */
  mark(slot: number): void {
    const at = this.#table + slot * SLOT_WORDS + 2
    if (!this.marked(slot)) this.cells.set(at, this.cells.words[at] | MARK)
  }

  #save(slot: number): number {
    const at = this.#table + slot * SLOT_WORDS
    this.journal.save(at, SLOT_WORDS)
    return at
  }

  #count(more: number): void {
    const at = this.page + PAGE.KEYS
    this.journal.save(at, 1)
    this.cells.set(at, this.cells.words[at] + more)
  }

  #home(low: number): number {
    return Math.floor(((low >>> 0) * this.slots) / TWO_32)
  }

  #next(slot: number): number {
    return slot + 1 === this.slots ? 0 : slot + 1
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.slots
  }
}
