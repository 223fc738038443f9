import type { Journal } from '../locking/journal.js'
import type { Cells } from '../memory/cells.js'
import { TAGS } from '../memory/layout.js'

const TWO_32 = 0x100000000
const TAG_SHIFT = 1
const EXTRA_SHIFT = 11
const MARK = 1

/**
 * What stands in a slot. `at`, everywhere, is its first word:
 *
 *     word 0, 1   digest of the key; both 0: the slot is empty
 *     word 2      1 bit of mark, 10 of tag, 17 of extra state
 *     word 3, 4   53 bits of state
 *
 * For who holds the lock of the part, or the latch of the slot's line. Words are never trusted: what is read is brought into range.
 */
export class Slots {
  readonly cells: Cells
  readonly journal: Journal

  constructor(cells: Cells, journal: Journal) {
    this.cells = cells
    this.journal = journal
  }

  holds(at: number, low: number, high: number): boolean {
    return this.cells.words[at] === low && this.cells.words[at + 1] === high
  }

  /** An integer from 0 to 2^53 - 1. */
  state(at: number): number {
    const { words } = this.cells
    return ((words[at + 4] & 0x1fffff) >>> 0) * TWO_32 + (words[at + 3] >>> 0)
  }

  /** An integer from 0 to 2^17 - 1. */
  extra(at: number): number {
    return (this.cells.words[at + 2] >>> EXTRA_SHIFT) & 0x1ffff
  }

  tag(at: number): number {
    return (this.cells.words[at + 2] >>> TAG_SHIFT) & (TAGS - 1)
  }

  marked(at: number): boolean {
    return (this.cells.words[at + 2] & MARK) === MARK
  }

  /** State and extra state of 0, no mark. */
  clear(at: number, tag: number): void {
    this.cells.set(at + 2, tag << TAG_SHIFT)
    this.cells.set(at + 3, 0)
    this.cells.set(at + 4, 0)
  }

  /**
   * Sets state and extra state and clears the mark, at the next commit. `lone` if nothing else is written with it: then it needs
   * no note where only one word changes, as it mostly does. Nothing is written for a key that a damaged memory has lost: -1.
   */
  setState(at: number, tag: number, state: number, extra: number, lone = false): void {
    if (at < 0) return
    const { words } = this.cells
    const first = (extra << EXTRA_SHIFT) | (tag << TAG_SHIFT)
    const last = Math.floor(state / TWO_32)
    if (lone && words[at + 2] === first && words[at + 4] === last) {
      this.cells.set(at + 3, state)
      return
    }
    this.journal.save(at + 2, 3)
    this.cells.set(at + 2, first)
    this.cells.set(at + 3, state)
    this.cells.set(at + 4, last)
  }

  /** Marks the key as being denied: one word, so there is nothing to put back. */
  mark(at: number): void {
    if (!this.marked(at)) this.cells.set(at + 2, this.cells.words[at + 2] | MARK)
  }
}
