import type { Ring } from '../../../policy/index.js'
import { unload } from '../../ring.js'
import type { Journal } from '../locking/journal.js'
import type { Cells } from '../memory/cells.js'
import { SEGMENT_HEADER, SMALLEST_ORDER } from '../memory/layout.js'

const FREE = 0x20
const SMALLEST_WORDS = 2 << SMALLEST_ORDER

/**
 * The arena of a part: segments of 2^order doubles, for rings, by the buddy system (Knowlton 1965; Knuth,
 * TAOCP 2.5). A segment begins with two doubles of header, as four words:
 *
 *     word 0      order, and whether the segment is free
 *     word 1, 2   of a free segment, the next and the previous of its order; else start and count of the ring
 *     word 3      of a segment in use, the rate of its law
 *
 * The ref of a segment is its place in units of the smallest segment, from 1 on; 0 is no segment. Every
 * change is saved in the journal, and the caller commits. Commit a freed segment before you take it again:
 * the journal cannot put back what is written into it.
 */
export class BuddyAllocator {
  readonly #cells: Cells
  readonly #journal: Journal
  readonly #arena: number
  /** The word before the head of the list of each order. */
  readonly #lists: number
  readonly #order: number

  constructor(cells: Cells, journal: Journal, arena: number, lists: number, order: number) {
    this.#cells = cells
    this.#journal = journal
    this.#arena = arena
    this.#lists = lists
    this.#order = order
  }

  /** The ref of a segment of that order whose ring is empty, or 0 if there is none. */
  take(order: number, rate: number): number {
    let from = order
    while (from <= this.#order && this.#head(from) === 0) from++
    if (from > this.#order) return 0
    const ref = this.#head(from)
    this.#unlink(ref, from)
    while (from > order) {
      from--
      this.#link(ref + sizeOf(from), from)
    }
    this.#write(ref, order, 0, 0)
    this.#set(this.#at(ref) + 3, rate)
    return ref
  }

  /** Whether a segment of that order could be taken. */
  has(order: number): boolean {
    for (let from = order; from <= this.#order; from++) if (this.#head(from) !== 0) return true
    return false
  }

  give(ref: number): void {
    const { words } = this.#cells
    let order = words[this.#at(ref)]
    let place = ref - 1
    while (order < this.#order) {
      const size = sizeOf(order)
      const buddy = place ^ size
      if (words[this.#at(buddy + 1)] !== (FREE | order)) break
      this.#unlink(buddy + 1, order)
      place &= ~size
      order++
    }
    this.#link(place + 1, order)
  }

  /** Points `ring` at the ring in a segment; at nothing if `ref` is 0. */
  load(ref: number, ring: Ring): void {
    if (ref === 0) {
      unload(ring)
      return
    }
    const at = this.#at(ref)
    const { words } = this.#cells
    ring.slots = this.#cells.doubles
    ring.base = (at >> 1) + SEGMENT_HEADER
    ring.capacity = (1 << words[at]) - SEGMENT_HEADER
    ring.start = words[at + 1]
    ring.count = words[at + 2]
  }

  /** The rate of the law of a segment in use. */
  rate(ref: number): number {
    return this.#cells.words[this.#at(ref) + 3]
  }

  /** Writes start and count of a ring back. `single` says that nothing else is written with it. */
  save(ref: number, { start, count }: Ring, single = false): void {
    const at = this.#at(ref)
    if (single && this.#cells.words[at + 1] === start) {
      // One word needs no journal, but the instants that it counts must be written before it.
      this.#cells.publish(at + 2, count)
      return
    }
    this.#journal.save(at + 1, 2)
    this.#cells.set(at + 1, start)
    this.#cells.set(at + 2, count)
  }

  /** Saves the instants of a ring from number `from` on. They may be written afterwards. */
  saveInstants({ base, capacity, start, count }: Ring, from: number): void {
    const first = (start + from) % capacity
    const length = count - from
    const beforeTurn = Math.min(length, capacity - first)
    this.#journal.save((base + first) * 2, beforeTurn * 2)
    if (length > beforeTurn) this.#journal.save(base * 2, (length - beforeTurn) * 2)
  }

  #at(ref: number): number {
    return this.#arena + (ref - 1) * SMALLEST_WORDS
  }

  /** The first free segment of that order, or 0. */
  #head(order: number): number {
    return this.#cells.words[this.#lists + order]
  }

  #link(ref: number, order: number): void {
    const next = this.#head(order)
    this.#write(ref, FREE | order, next, 0)
    if (next !== 0) this.#set(this.#at(next) + 2, ref)
    this.#set(this.#lists + order, ref)
  }

  #unlink(ref: number, order: number): void {
    const { words } = this.#cells
    const next = words[this.#at(ref) + 1]
    const previous = words[this.#at(ref) + 2]
    if (next !== 0) this.#set(this.#at(next) + 2, previous)
    this.#set(previous === 0 ? this.#lists + order : this.#at(previous) + 1, next)
  }

  #write(ref: number, word: number, second: number, third: number): void {
    const at = this.#at(ref)
    this.#journal.save(at, 3)
    this.#cells.set(at, word)
    this.#cells.set(at + 1, second)
    this.#cells.set(at + 2, third)
  }

  #set(at: number, value: number): void {
    this.#journal.save(at, 1)
    this.#cells.set(at, value)
  }
}

/** Size of a segment in units of the smallest segment. */
function sizeOf(order: number): number {
  return 1 << (order - SMALLEST_ORDER)
}
