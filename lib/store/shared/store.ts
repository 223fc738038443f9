import type { Charge, Clock, Policy, StoreStats, SyncStore } from '../../../types/index.js'
import { ownOptions } from '../../policy/index.js'
import { costOf } from '../charge.js'
import { monotonicMicros, processClock, readMicros, systemClock } from '../clock.js'
import { Section } from './critical-section.js'
import { type Attached, attach, type SharedMemory } from './memory/shared-memory.js'
import type { Place, SharedBucket } from './table/keeper.js'

export interface SharedStoreOptions {
  /** What `createSharedMemory` returned, in this thread or in another of its process. */
  memory: SharedMemory
  /** Default: the monotonic clock of the process. Clocks that are given must agree in all threads. */
  clock?: Clock
}

const NOTHING: readonly Charge[] = []

/**
 * State in the memory that all threads share: synchronous, bounded, without a timer. Same laws, bounds and eviction rules as
 * the memory store. How it is kept whole is told in docs/threads.md.
 */
export class SharedStore implements SyncStore {
  readonly sync = true
  readonly #section: Section
  readonly #maxKeys: number
  readonly #clock: () => number

  constructor(attached: Attached, clock: Clock) {
    // Of the thread's own clock, whose numbers are small: V8 is quickest with those.
    const elapsed = monotonicMicros(clock === processClock ? systemClock : clock)
    const { layout } = attached
    this.#maxKeys = layout.maxKeys
    this.#section = new Section(attached)
    const reading = readMicros(clock) - elapsed()
    let start = 0
    this.#inDirectory(() => {
      start = reading - this.#section.spaces.epoch(reading)
    })
    this.#clock = () => start + elapsed()
  }

  open(policy: Policy, space: string): SharedBucket {
    const { spaces } = this.#section
    const compiled = spaces.check(policy)
    let tag = -1
    this.#inDirectory(() => {
      tag = spaces.tagOf(compiled)
    })
    return spaces.open(compiled, tag, space)
  }

  take(charges: readonly Charge[]): boolean {
    return charges.length === 1
      ? this.#takeOne(charges[0])
      : this.#section.run(charges, this.#clock(), this.#takeAll)
  }

  peek(charges: readonly Charge[]): boolean {
    return this.#section.run(charges, this.#clock(), this.#judge)
  }

  /** Each charge by itself: a thread that ends in between has given back some of them. */
  refund(charges: readonly Charge[]): void {
    this.#section.run(charges, this.#clock(), this.#refund)
  }

  reset(charges: readonly Charge[]): void {
    this.#section.run(charges, this.#clock(), this.#reset)
  }

  /** Counted part by part, without stopping any thread. */
  stats(): StoreStats {
    let keys = 0
    let forgotten = 0
    for (const part of this.#section.parts) {
      keys += part.keys
      forgotten += part.forgotten
    }
    return { keys, maxKeys: this.#maxKeys, forgotten }
  }

  sweep(): number {
    let gone = 0
    const now = this.#clock()
    for (const part of this.#section.parts) {
      const sweep = () => {
        this.#section.now = part.observe(now)
        gone += part.sweep()
        return true
      }
      this.#section.run(NOTHING, now, sweep, part.page)
    }
    return gone
  }

  #inDirectory(work: () => void): void {
    const answer = () => {
      work()
      return true
    }
    this.#section.run(NOTHING, 0, answer, this.#section.directory)
  }

  /**
   * As `#takeAll`, of one charge, and quicker: what it is told is worked out when the lock has been given back, and where only the state
   * of a slot may change, threads exclude each other from its line only.
   */
  #takeOne(charge: Charge): boolean {
    const section = this.#section
    const bucket = charge.bucket as SharedBucket
    const { keeper } = bucket
    const { cost } = charge
    const place = section.beginOne(charge)
    const now = this.#clock()
    let wait = 0
    try {
      if (!(keeper.isWithinSlots && section.enterLine(place, now))) section.enterOne(place, now)
      wait = keeper.wait(bucket, place, cost, section.now)
      if (wait !== 0) mark(place, wait)
      else if (cost > 0) {
        if (place.at < 0) place.at = place.part.insert(place.low, place.high, bucket.tag)
        wait = keeper.prepare(place, cost)
        if (wait === 0) keeper.charge(charge, place, cost, true)
      }
      keeper.look()
      section.leaveOne()
    } catch (error) {
      Atomics.store(section.cells.words, section.brokenAt, 1)
      throw error
    }
    keeper.tell(charge, wait)
    return wait === 0
  }

  /**
   * In three steps: all are judged; room is made for all; all are charged, and nothing but charged, so that few words are
   * written before the commit and each of them can be put back.
   */
  readonly #takeAll = (charges: readonly Charge[]): boolean => {
    const section = this.#section
    if (!this.#judge(charges)) {
      this.#mark(charges)
      return false
    }
    for (let i = 0; i < charges.length; i++) if (!this.#prepare(charges, i)) return false
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      const { keeper } = charge.bucket as SharedBucket
      this.#load(charge, i, charge.cost)
      if (charge.cost > 0) keeper.charge(charge, section.places[i], charge.cost, false)
      this.#tell(charge, 0)
    }
    section.commit()
    return true
  }

  /** A key that is charged more than once in one call is asked for all of it. */
  readonly #judge = (charges: readonly Charge[]): boolean => {
    let allowed = true
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      this.#tell(charge, this.#load(charge, i, costOf(charges, charge)))
      if (!charge.allowed) allowed = false
    }
    return allowed
  }

  #prepare(charges: readonly Charge[], i: number): boolean {
    const charge = charges[i]
    const { keeper, tag } = charge.bucket as SharedBucket
    const cost = costOf(charges, charge)
    if (cost === 0) return true
    const place = this.#section.places[i]
    this.#load(charge, i, cost)
    if (place.at < 0) place.at = place.part.insert(place.low, place.high, tag)
    const wait = keeper.prepare(place, cost)
    if (wait !== 0) this.#tell(charge, wait)
    return wait === 0
  }

  #tell(charge: Charge, wait: number): void {
    const { keeper } = charge.bucket as SharedBucket
    keeper.look()
    keeper.tell(charge, wait)
  }

  /** Finds a key again, which may have moved, and loads its state. */
  #load(charge: Charge, i: number, cost: number): number {
    const bucket = charge.bucket as SharedBucket
    const place = this.#section.places[i]
    place.at = place.part.find(place.low, place.high)
    return bucket.keeper.wait(bucket, place, cost, this.#section.now)
  }

  #mark(charges: readonly Charge[]): void {
    for (let i = 0; i < charges.length; i++)
      if (!charges[i].allowed) mark(this.#section.places[i], charges[i].retryAfter)
  }

  readonly #refund = (charges: readonly Charge[]): boolean => {
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      const place = this.#section.places[i]
      if (place.at < 0 || charge.cost === 0) continue
      ;(charge.bucket as SharedBucket).keeper.refund(charge, place, this.#section.now)
      this.#section.commit()
    }
    return true
  }

  readonly #reset = (charges: readonly Charge[]): boolean => {
    for (let i = 0; i < charges.length; i++) {
      const { part, low, high } = this.#section.places[i]
      const at = part.find(low, high)
      if (at >= 0) part.removeAt(at)
    }
    return true
  }
}

/** Marks the key there, if there is one, as being denied. What never fits is no reason to keep a key. */
function mark({ part, at }: Place, wait: number): void {
  if (at >= 0 && wait !== Number.POSITIVE_INFINITY) part.mark(at)
}

/**
 * A store over the memory that all threads of the process share; make one in each thread. Throws `FST_FLOODGATE_OPTION`
 * for options that are not allowed, and `FST_FLOODGATE_MEMORY` for a memory that another version made, or another size,
 * or that `maxThreads` threads use already.
 */
export function sharedStore(options: SharedStoreOptions): SyncStore {
  const { memory, clock = processClock } = ownOptions(options, ['memory', 'clock'], '')
  return new SharedStore(attach(memory), clock)
}
