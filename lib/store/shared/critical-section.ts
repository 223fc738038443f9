import type { Charge } from '../../../types/index.js'
import { Locks } from './locking/locks.js'
import type { Cells } from './memory/cells.js'
import { HEADER } from './memory/layout.js'
import type { Attached } from './memory/shared-memory.js'
import { heatOfMark } from './table/blocking.js'
import { Buckets } from './table/buckets.js'
import type { Place, SharedBucket } from './table/keeper.js'
import { type Evictor, Part } from './table/part.js'

/** Work on some charges under the locks of their parts. Returns what the verb returns. */
export type Work = (charges: readonly Charge[]) => boolean

/**
 * The only way to take locks: those of all parts that the keys of some charges are in, or of one part. A
 * critical section that throws changes nothing: the next thread that needs one of its locks rolls it back, as
 * if this thread had ended.
 */
export class CriticalSection implements Evictor {
  readonly parts: readonly Part[]
  readonly buckets: Buckets
  /** Time of the section in microseconds. */
  now = 0
  /** The place of each charge, in their order. There may be more places than charges. */
  readonly places: Place[] = []
  readonly cells: Cells
  /** As `Locks.brokenAt`. */
  readonly brokenAt: number
  readonly #locks: Locks
  readonly #partShift: number
  readonly #onForgotDenied: () => void
  #size = 0
  /** Parts to lock, in ascending order: the first `#lockCount` of them. */
  readonly #locked: Part[] = []
  #lockCount = 0

  /** `onForgotDenied` is called under locks when a key that is denied is forgotten. It must not throw. */
  constructor({ cells, layout, liveness }: Attached, onForgotDenied: () => void) {
    this.cells = cells
    this.#onForgotDenied = onForgotDenied
    this.#locks = new Locks(cells, layout, liveness)
    this.brokenAt = this.#locks.brokenAt
    this.#partShift = 31 - Math.log2(layout.parts)
    this.buckets = new Buckets(cells, layout)
    this.parts = Array.from(
      { length: layout.parts },
      (_, number) => new Part(cells, layout, number, this.#locks.journal, this),
    )
  }

  /**
   * Takes the lock of the part that one key is in, and finds the key. `leaveOne` gives the lock back. If
   * anything in between throws, this method included, the caller raises the flag at `brokenAt`. This is `run`
   * for the common case; without a callback a decision takes 5 % less.
   */
  enterOne(charge: Charge, time: number): Place {
    this.#locks.begin()
    const { header } = this.#locate(charge, 0)
    this.#size = 1
    this.now = time
    this.#locks.lock(header)
    return this.find(0)
  }

  leaveOne({ part }: Place): void {
    this.commit()
    this.#locks.unlock(part.header)
  }

  /** Does `work` on the charges. `time` is the time of this thread in microseconds. */
  run(charges: readonly Charge[], time: number, work: Work): boolean {
    try {
      this.#locks.begin()
      this.#enter(charges, time)
      const result = work(charges)
      this.commit()
      for (let i = 0; i < this.#lockCount; i++) this.#locks.unlock(this.#locked[i].header)
      return result
    } catch (error) {
      Atomics.store(this.cells.words, this.brokenAt, 1)
      throw error
    }
  }

  /** The reading of the threads' clock at which the memory's time starts: `now` if this is the first call. */
  epoch(now: number): number {
    const { cells } = this
    this.runIn(this.parts[0], 0, () => {
      if (cells.words[HEADER.STARTED] !== 0) return
      cells.setDouble(HEADER.EPOCH, now)
      cells.publish(HEADER.STARTED, 1)
    })
    return cells.doubles[HEADER.EPOCH >> 1]
  }

  /** Does `work` under the lock of one part. */
  runIn(part: Part, time: number, work: () => void): void {
    const inPart = () => {
      this.#include(part)
      this.#locks.lock(part.header)
      this.now = time
      work()
      return true
    }
    this.run(NOTHING, time, inPart)
  }

  /**
   * Looks for the slot of the key of charge number `i` again, because other keys may have moved it. Returns
   * its place.
   */
  find(i: number): Place {
    const place = this.places[i]
    place.at = place.part.find(place.low, place.high)
    return place
  }

  /** Commits what has been written since the last commit. The end of a section commits, too. */
  commit(): void {
    this.#locks.journal.commit()
  }

  #enter(charges: readonly Charge[], time: number): void {
    const size = charges.length
    this.#size = size
    this.#lockCount = 0
    for (let i = 0; i < size; i++) this.#include(this.#locate(charges[i], i))
    for (let i = 0; i < this.#lockCount; i++) this.#locks.lock(this.#locked[i].header)
    this.now = time
    for (let i = 0; i < size; i++) this.find(i)
  }

  /** Writes where the key of charge number `i` belongs, and returns its part. */
  #locate({ bucket, key }: Charge, i: number): Part {
    const { hasher } = bucket as SharedBucket
    hasher.digest(0, key)
    const part = this.parts[(hasher.high >>> 1) >>> this.#partShift]
    if (i === this.places.length) this.places.push({ part, low: 0, high: 0, at: -1 })
    const place = this.places[i]
    place.part = part
    place.low = hasher.low
    place.high = hasher.high
    return part
  }

  #include(part: Part): void {
    const locked = this.#locked
    let at = this.#lockCount
    while (at > 0 && locked[at - 1].number > part.number) at--
    if (at > 0 && locked[at - 1] === part) return
    for (let j = this.#lockCount; j > at; j--) locked[j] = locked[j - 1]
    locked[at] = part
    this.#lockCount++
  }

  /** @internal Keys of the section's own charges stay. */
  heat(part: Part, at: number): number {
    for (let i = 0; i < this.#size; i++) {
      const place = this.places[i]
      if (place.part === part && part.holds(at, place.low, place.high)) return Number.POSITIVE_INFINITY
    }
    if (part.until(at) > 0) return heatOfMark(part, at, this.now)
    return this.buckets.keeperOf(part.isWindow(at)).heat(part, at, this.now)
  }

  /** @internal */
  release(part: Part, at: number): void {
    this.buckets.keeperOf(part.isWindow(at)).release(part, at)
  }

  /** @internal */
  forgetsDenied(): void {
    this.#onForgotDenied()
  }
}

const NOTHING: readonly Charge[] = []
