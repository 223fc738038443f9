import type { Charge } from '../../../types/index.js'
import { Locks } from './locking/locks.js'
import type { Cells } from './memory/cells.js'
import { PAGE_WORDS } from './memory/layout.js'
import type { Attached } from './memory/shared-memory.js'
import { Spaces } from './table/buckets.js'
import type { Place, SharedBucket } from './table/keeper.js'
import { type Owner, Part } from './table/part.js'

/**
 * What a thread may do while it holds locks, and the only way to get them: the parts that some keys are in, or one part alone.
 * A section that throws leaves all as it is; the next thread that comes by puts it in order, as if this one had ended.
 */
export class Section implements Owner {
  readonly parts: readonly Part[]
  readonly spaces: Spaces
  /** The page whose lock guards header and directory. */
  readonly directory: number
  /** Time of the section in microseconds: no part in it has seen a later one. */
  now = 0
  /** Of each charge, in their order: as many as there are charges, and some that are not in use. */
  readonly places: Place[] = []
  readonly cells: Cells
  /** As `Locks.brokenAt`. */
  readonly brokenAt: number
  readonly #locks: Locks
  readonly #partShift: number
  #size = 0
  /** Word of what `enterOne` or `enterLine` has taken. */
  #held = 0
  /** Pages to be locked, in ascending order: the first so many. */
  readonly #pages: number[] = []
  #locked = 0

  constructor({ cells, layout, lifeline }: Attached) {
    this.cells = cells
    this.#locks = new Locks(cells, layout, lifeline)
    this.brokenAt = this.#locks.brokenAt
    this.#partShift = 31 - Math.log2(layout.parts)
    this.spaces = new Spaces(cells, layout)
    this.directory = layout.pages + layout.parts * PAGE_WORDS
    const numbers = Array.from({ length: layout.parts }, (_, number) => number)
    this.parts = numbers.map((number) => new Part(cells, layout, number, this.#locks, this))
  }

  /** Begins a section of one charge: where its key belongs, its slot not looked for. No lock is held yet. */
  beginOne(charge: Charge): Place {
    this.#locks.begin()
    this.#locate(charge, 0)
    return this.places[0]
  }

  /**
   * Waits for the lock of the part and finds the slot. What is done until `leaveOne` is a `run` of one charge, and quicker: who throws in
   * between raises the flag at `brokenAt`.
   */
  enterOne(place: Place, time: number): void {
    const { part } = place
    this.#size = 1
    this.#locked = 1
    this.#held = part.page
    this.#locks.lock(part.page)
    this.now = part.observe(time)
    place.at = part.find(place.low, place.high)
  }

  /**
   * As `enterOne`, but takes only the latch of the line that the key is in: other threads go on in the same part. Nothing but the state
   * of the slot may be written then. Returns false, and holds nothing, where that is not possible.
   */
  enterLine(place: Place, time: number): boolean {
    const { part, low } = place
    // Taken unseen, since to look first would fetch the line twice where another thread had it.
    return this.#tryLine(place, part.homeLatch(low), time) || this.#tryOtherLine(place, time)
  }

  #tryOtherLine(place: Place, time: number): boolean {
    const { part, low, high } = place
    const latch = part.latchOf(low, high)
    return latch >= 0 && this.#tryLine(place, latch, time)
  }

  #tryLine(place: Place, latch: number, time: number): boolean {
    const { part, low, high } = place
    if (!this.#locks.takeLatch(latch, part.page)) return false
    const at = part.findInLine(latch, low, high)
    if (at < 0) {
      this.#locks.unlock(latch)
      return false
    }
    const { last } = part
    this.#held = latch
    this.now = last > time ? last : time
    place.at = at
    return true
  }

  leaveOne(): void {
    this.#locks.unlock(this.#held)
  }

  /**
   * Does `work` while it holds the locks of all parts that the keys of the charges are in, their places found; or of one page,
   * where there are no charges. `now` is the time of this thread in microseconds.
   */
  run(
    charges: readonly Charge[],
    now: number,
    work: (charges: readonly Charge[]) => boolean,
    page = 0,
  ): boolean {
    this.#locks.begin()
    try {
      this.#enter(charges, now, page)
      const result = work(charges)
      for (let i = 0; i < this.#locked; i++) this.#locks.unlock(this.#pages[i])
      return result
    } catch (error) {
      Atomics.store(this.cells.words, this.brokenAt, 1)
      throw error
    }
  }

  /** What has been written happens: now, or where one part only is locked when it is unlocked. */
  commit(): void {
    if (this.#locked > 1) this.#locks.journal.commit()
  }

  #enter(charges: readonly Charge[], now: number, page: number): void {
    const size = charges.length
    this.#size = size
    this.#pages[0] = page
    this.#locked = size === 0 ? 1 : 0
    for (let i = 0; i < size; i++) {
      this.#locate(charges[i], i)
      this.#include(this.places[i].part.page)
    }
    for (let i = 0; i < this.#locked; i++) this.#locks.lock(this.#pages[i])
    this.now = now
    for (let i = 0; i < size; i++) this.now = this.places[i].part.observe(this.now)
    for (let i = 0; i < size; i++) {
      const { part, low, high } = this.places[i]
      // All parts of a call see the same instant.
      part.observe(this.now)
      this.places[i].at = part.find(low, high)
    }
  }

  #locate({ bucket, key }: Charge, i: number): void {
    const { hasher } = bucket as SharedBucket
    hasher.digest(0, key)
    if (i === this.places.length) this.places.push({ part: this.parts[0], low: 0, high: 0, at: -1 })
    const place = this.places[i]
    place.part = this.parts[(hasher.high >>> 1) >>> this.#partShift]
    place.low = hasher.low
    place.high = hasher.high
  }

  #include(page: number): void {
    let at = this.#locked
    while (at > 0 && this.#pages[at - 1] > page) at--
    if (at > 0 && this.#pages[at - 1] === page) return
    for (let j = this.#locked; j > at; j--) this.#pages[j] = this.#pages[j - 1]
    this.#pages[at] = page
    this.#locked++
  }

  /** @internal The table asks. */
  heat(part: Part, at: number): number {
    for (let i = 0; i < this.#size; i++) {
      const place = this.places[i]
      if (place.part === part && part.holds(at, place.low, place.high)) return Number.POSITIVE_INFINITY
    }
    const tag = part.tag(at)
    return this.spaces.keeperOf(tag)?.heat(tag, part, at, this.now) ?? 0
  }

  /** @internal The table tells. */
  release(part: Part, at: number): void {
    this.spaces.keeperOf(part.tag(at))?.release(part, at)
  }
}
