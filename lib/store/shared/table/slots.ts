import type { TokenBucket } from '../../../policy/index.js'
import type { Journal } from '../locking/journal.js'
import type { Cells } from '../memory/cells.js'

const TWO_32 = 0x100000000
const DENIED = 1
export const WINDOW = 2
const REF_SHIFT = 2
/** A tat has at most 2^17 ticks a microsecond. */
const TICKS_SHIFT = 2
const TICKS = 2 ** 17
/** A logarithm in 13 bits holds a time of up to 2^51 microseconds, to 0.3 %. */
const FILL_SHIFT = 19
const FILL_STEPS = 128
/** The bits of word 4 that belong to a time of up to 53 bits. The others are 0, or 1 in a mark. */
const TIME_BITS = 2 ** 21 - 1

/**
 * The fields of a slot. `at` is its first word:
 *
 *     word 0, 1   digest of the key; both 0: the slot is empty
 *     word 2      1 bit: the key is being denied; 1 bit: its law is a window; then
 *                 bucket: 17 bits of ticks of the tat, 13 bits of logarithm of the fill time
 *                 window: 30 bits of ref of the segment of its ring, 0 while it has none
 *     word 3, 4   bucket: the tat in whole microseconds; window: its length in microseconds
 *
 * A slot whose word 4 is negative is a mark: the key is blocked, or the slot counts the blocks of a key. Word
 * 2 is 0 for a block, else it has 30 bits of that number. Words 3 and 4 hold the microsecond at which the
 * mark ends. The slot of a block that has ended reads as that of a full bucket, and as an empty window.
 *
 * So a slot says all that eviction needs to know of the law, and a thread can make room among keys of
 * policies that it never opened. Only eviction reads the logarithm. Only the owner of the part's lock may
 * call this.
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

  isDenied(at: number): boolean {
    return (this.cells.words[at + 2] & DENIED) !== 0
  }

  /** One word, and only eviction depends on it: the journal need not know. */
  setDenied(at: number, denied: boolean): void {
    const before = this.cells.words[at + 2]
    const after = denied ? before | DENIED : before & ~DENIED
    if (after !== before) this.cells.set(at + 2, after)
  }

  isWindow(at: number): boolean {
    return (this.cells.words[at + 2] & WINDOW) !== 0
  }

  ref(at: number): number {
    return this.cells.words[at + 2] >>> REF_SHIFT
  }

  /** At the next commit. The key is then not being denied. */
  setRef(at: number, ref: number): void {
    this.journal.save(at + 2, 1)
    this.cells.set(at + 2, (ref << REF_SHIFT) | WINDOW)
  }

  /** The tat of a bucket or the length of a window, in whole microseconds: an integer from 0 to 2^53 - 1. */
  micros(at: number): number {
    const { words } = this.cells
    return words[at + 4] * TWO_32 + (words[at + 3] >>> 0)
  }

  /** The microsecond at which a mark means nothing any more; 0 for a slot that is none. */
  until(at: number): number {
    const last = this.cells.words[at + 4]
    return last < 0 ? (last & TIME_BITS) * TWO_32 + (this.cells.words[at + 3] >>> 0) : 0
  }

  /** The number in a mark; 0 for a block. */
  offences(at: number): number {
    return this.cells.words[at + 2] >>> REF_SHIFT
  }

  /** Whether the key of a slot is being denied, or is blocked, for a slot that has not expired. */
  denies(at: number): boolean {
    return this.isDenied(at) || (this.until(at) > 0 && this.offences(at) === 0)
  }

  /** Makes a slot the mark of a block (no offences) or of offences, at the next commit. */
  setUntil(at: number, micros: number, offences: number): void {
    this.#setTime(at, offences << REF_SHIFT, micros, ~TIME_BITS)
  }

  /** Makes the slot of a bucket or of a mark that of an empty window, at the next commit. */
  setWindow(at: number, micros: number): void {
    this.#setTime(at, WINDOW, micros, 0)
  }

  /** The tat of a bucket in ticks from `now` on; 0 for a full bucket. */
  ticksFrom(at: number, now: number, resolution: number): number {
    return Math.max(0, (this.micros(at) - now) * resolution + this.#ticks(at))
  }

  /** As `ticksFrom`, in microseconds, for a law that nobody here knows: positive exactly if that is. */
  microsFrom(at: number, now: number): number {
    return this.micros(at) - now + this.#ticks(at) / TICKS
  }

  /** About the microseconds that a bucket takes to fill. */
  fillTime(at: number): number {
    return 2 ** ((this.cells.words[at + 2] >>> FILL_SHIFT) / FILL_STEPS)
  }

  /**
   * Writes the tat of a bucket, at the next commit. The key is then not being denied. `single` says that
   * nothing else is written with it: a change of one word, which is the common case, then needs no journal.
   */
  setTat(at: number, micros: number, ticks: number, fillBits: number, single: boolean): void {
    const { words } = this.cells
    const second = fillBits | (ticks << TICKS_SHIFT)
    const last = Math.floor(micros / TWO_32)
    if (single && words[at + 2] === second && words[at + 4] === last) {
      this.cells.set(at + 3, micros)
      return
    }
    this.journal.save(at + 2, 3)
    this.cells.set(at + 2, second)
    this.cells.set(at + 3, micros)
    this.cells.set(at + 4, last)
  }

  #setTime(at: number, second: number, micros: number, mark: number): void {
    this.journal.save(at + 2, 3)
    this.cells.set(at + 2, second)
    this.cells.set(at + 3, micros)
    this.cells.set(at + 4, Math.floor(micros / TWO_32) | mark)
  }

  #ticks(at: number): number {
    return (this.cells.words[at + 2] >>> TICKS_SHIFT) & (TICKS - 1)
  }
}

/** What the slots of a bucket's keys say of its law: bits of word 2. */
export function fillBits({ tolerance, resolution }: TokenBucket): number {
  return Math.round(Math.log2(Math.max(1, tolerance / resolution)) * FILL_STEPS) << FILL_SHIFT
}
