import type { Ring } from '../../../policy/index.js'
import type { Journal } from '../locking/journal.js'
import type { Cells } from '../memory/cells.js'
import { BLOCK_HEADER, type Layout, PAGE, SMALLEST_ORDER } from '../memory/layout.js'
import type { Part } from './part.js'

const FREE = 0x20
const SMALLEST_WORDS = 2 << SMALLEST_ORDER

/**
 * The arena of a part: blocks of 2^order doubles, for rings, by the buddy system (Knowlton 1965; Knuth, TAOCP 2.5). A block
 * begins with two doubles of header, as four words:
 *
 *     word 0      order, and whether the block is free
 *     word 1, 2   of a free block, the next and the previous of its order; else start and count of the ring
 *
 * A block is named by its ref, its place in units of the smallest block, from 1 on; 0 is none. Every change is noted in the
 * journal and left for the caller to commit. A block that was freed must not be taken again before that: what is
 * written into it could not be put back.
 */
export class Blocks {
  readonly #cells: Cells
  readonly #journal: Journal
  readonly #arena: number
  readonly #lists: number
  readonly #order: number
  /** The largest ref there can be. */
  readonly #most: number

  constructor({ cells, journal, arena, page }: Part, { order }: Layout) {
    this.#cells = cells
    this.#journal = journal
    this.#arena = arena
    this.#lists = page + PAGE.FREE
    this.#order = order
    this.#most = sizeOf(order)
  }

  /** The ref of a block of that order or 0 where there is none; its ring is empty. */
  take(order: number): number {
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
    return ref
  }

  /** Whether a block of that order could be taken. */
  has(order: number): boolean {
    for (let from = order; from <= this.#order; from++) if (this.#head(from) !== 0) return true
    return false
  }

  give(ref: number): void {
    let order = this.#orderOf(ref)
    if (order === 0) return
    let place = ref - 1
    while (order < this.#order) {
      const size = sizeOf(order)
      const buddy = place ^ size
      if (this.#cells.words[this.#at(buddy + 1)] !== (FREE | order)) break
      this.#unlink(buddy + 1, order)
      place &= ~size
      order++
    }
    this.#link(place + 1, order)
  }

  /** Points `ring` at the ring in a block, or at nothing if there is no such block in use. */
  load(ref: number, ring: Ring): void {
    const order = this.#orderOf(ref)
    if (order === 0) {
      ring.base = ring.capacity = ring.start = ring.count = 0
      return
    }
    const at = this.#at(ref)
    const { words } = this.#cells
    ring.slots = this.#cells.doubles
    ring.base = (at >> 1) + BLOCK_HEADER
    ring.capacity = (1 << order) - BLOCK_HEADER
    ring.start = inRange(words[at + 1], ring.capacity - 1)
    ring.count = inRange(words[at + 2], ring.capacity)
  }

  /** Writes start and count of a ring back, where there is such a block; `lone` if nothing else is written with it. */
  save(ref: number, { start, count }: Ring, lone = false): void {
    if (this.#orderOf(ref) === 0) return
    const at = this.#at(ref)
    if (lone && this.#cells.words[at + 1] === start) {
      // One word needs no note, but the instants that it counts must be there before.
      this.#cells.publish(at + 2, count)
      return
    }
    this.#journal.save(at + 1, 2)
    this.#cells.set(at + 1, start)
    this.#cells.set(at + 2, count)
  }

  /** Notes the instants of a ring from number `from` on, which may then be written. */
  saveInstants({ base, capacity, start, count }: Ring, from: number): void {
    const first = (start + from) % capacity
    const length = count - from
    const beforeTurn = Math.min(length, capacity - first)
    this.#journal.save((base + first) * 2, beforeTurn * 2)
    if (length > beforeTurn) this.#journal.save(base * 2, (length - beforeTurn) * 2)
  }

  /** The order of a block in use; 0 for a ref that names none. */
  #orderOf(ref: number): number {
    if (!this.#isRef(ref)) return 0
    const order = this.#cells.words[this.#at(ref)]
    const sound = order >= SMALLEST_ORDER && order <= this.#order
    return sound && ((ref - 1) & (sizeOf(order) - 1)) === 0 ? order : 0
  }

  #isRef(ref: number): boolean {
    return ref >= 1 && ref <= this.#most
  }

  #at(ref: number): number {
    return this.#arena + (ref - 1) * SMALLEST_WORDS
  }

  /** The first free block of that order; 0 for none, and for what is none. */
  #head(order: number): number {
    const ref = this.#cells.words[this.#lists + order]
    const fits = this.#isRef(ref) && ((ref - 1) & (sizeOf(order) - 1)) === 0
    return fits ? ref : 0
  }

  #link(ref: number, order: number): void {
    const next = this.#head(order)
    this.#write(ref, FREE | order, next, 0)
    if (next !== 0) this.#set(this.#at(next) + 2, ref)
    this.#set(this.#lists + order, ref)
  }

  #unlink(ref: number, order: number): void {
    const { words } = this.#cells
    const at = this.#at(ref)
    const next = words[at + 1]
    const previous = words[at + 2]
    if (this.#isRef(next)) this.#set(this.#at(next) + 2, previous)
    const from = this.#isRef(previous) ? this.#at(previous) + 1 : this.#lists + order
    this.#set(from, this.#isRef(next) ? next : 0)
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

/** Size of a block in units of the smallest. */
function sizeOf(order: number): number {
  return 1 << (order - SMALLEST_ORDER)
}

function inRange(value: number, most: number): number {
  return value >= 0 && value <= most ? value : 0
}
