import type { Charge, Clock, Policy, StoreStats, SyncStore } from '../../../types/index.js'
import { ownOptions } from '../../policy/index.js'
import { totalCost } from '../charge.js'
import { monotonicMicros, processMicros, processSecond, readMicros } from '../clock.js'
import { forgottenWarning, StoreWarnings } from '../warning.js'
import { CriticalSection, type Work } from './critical-section.js'
import { type Attached, attach, type SharedMemory } from './memory/shared-memory.js'
import { findOffences, isBlocked, judge, noteDenial } from './table/blocking.js'
import type { Effect, SharedBucket } from './table/keeper.js'

export interface SharedStoreOptions {
  /** The memory that `createSharedMemory` returned, in this thread or in another thread of its process. */
  memory: SharedMemory
  /** Default: the monotonic clock of the process. Clocks of your own must agree in all threads. */
  clock?: Clock
}

/**
 * State in memory that all threads of a process share: synchronous, bounded, without a timer. Laws, bounds
 * and eviction are those of the memory store. docs/threads.md explains the protocol.
 */
export class SharedStore implements SyncStore {
  readonly sync = true
  readonly kind = 'shared'
  readonly #section: CriticalSection
  readonly #maxKeys: number
  readonly #clock: () => number
  readonly #warnings = new StoreWarnings()
  readonly onWarning = this.#warnings.onWarning
  #forgotDenied = false

  constructor(attached: Attached, clock?: Clock) {
    this.#maxKeys = attached.layout.maxKeys
    this.#section = new CriticalSection(attached, () => this.#warnOnce())
    this.#clock = clock === undefined ? this.#ownClock() : this.#clockFrom(clock)
  }

  #ownClock(): () => number {
    return processMicros(this.#section.epoch(processSecond()))
  }

  #clockFrom(clock: Clock): () => number {
    const elapsed = monotonicMicros(clock)
    const reading = readMicros(clock) - elapsed()
    // A clock that was set back before this thread came must not make times below 0: no slot holds them.
    const start = Math.max(0, reading - this.#section.epoch(reading))
    return () => start + elapsed()
  }

  /**
   * As `SyncStore.open`; with a bucket instead of a name: in that bucket's space, where equal laws share
   * their keys.
   */
  open(policy: Policy, space: string | SharedBucket): SharedBucket {
    return this.#section.buckets.open(policy, space)
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

  renew(charge: Charge): boolean {
    return this.#section.run([charge], this.#clock(), this.#renew)
  }

  reset(charges: readonly Charge[]): void {
    this.#section.run(charges, this.#clock(), this.#reset)
  }

  block(charges: readonly Charge[], ms: number): void {
    this.#section.run(charges, this.#clock(), () => this.#block(charges, Math.ceil(ms * 1000)))
  }

  /** Counts part by part, and stops no thread. */
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
      this.#section.runIn(part, now, () => {
        gone += part.sweep()
      })
    }
    return gone
  }

  now(): number {
    return this.#clock()
  }

  /** Warns once the locks are given back: listeners may be slow, or throw. */
  #warnOnce(): void {
    if (this.#forgotDenied) return
    this.#forgotDenied = true
    queueMicrotask(() => this.#warnings.warn('FST_FLOODGATE_W013', '', forgottenWarning()))
  }

  #takeOne(charge: Charge): boolean {
    const section = this.#section
    const now = this.#clock()
    try {
      const place = section.enterOne(charge, now)
      const allowed = judge(charge, charge.cost, place, now, 'single')
      if (!allowed) noteDenial(charge, place, now)
      section.leaveOne(place)
      return allowed
    } catch (error) {
      Atomics.store(section.cells.words, section.brokenAt, 1)
      throw error
    }
  }

  /**
   * Three steps: judge all charges; make room for all; charge all. The last step only charges, so few words
   * are written before the commit, and the journal holds each of them.
   */
  readonly #takeAll: Work = (charges) => {
    if (!this.#judge(charges)) {
      for (let i = 0; i < charges.length; i++)
        if (!charges[i].allowed) noteDenial(charges[i], this.#section.find(i), this.#section.now)
      return false
    }
    for (let i = 0; i < charges.length; i++) if (!this.#prepare(charges, i)) return false
    for (let i = 0; i < charges.length; i++) this.#judgeOne(charges[i], i, charges[i].cost, 'prepared')
    return true
  }

  /** Asks a key that one call charges more than once for the sum. */
  readonly #judge: Work = (charges) => {
    let allowed = true
    for (let i = 0; i < charges.length; i++)
      if (!this.#judgeOne(charges[i], i, totalCost(charges, charges[i]), 'nothing')) allowed = false
    return allowed
  }

  #judgeOne(charge: Charge, i: number, cost: number, effect: Effect): boolean {
    return judge(charge, cost, this.#section.find(i), this.#section.now, effect)
  }

  #prepare(charges: readonly Charge[], i: number): boolean {
    const charge = charges[i]
    const cost = totalCost(charges, charge)
    const { keeper } = charge.bucket as SharedBucket
    return cost === 0 || keeper.prepare(charge, cost, this.#section.find(i), this.#section.now)
  }

  readonly #refund: Work = (charges) => {
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      const place = this.#section.places[i]
      if (place.at < 0 || charge.cost === 0 || isBlocked(place, this.#section.now)) continue
      ;(charge.bucket as SharedBucket).keeper.refund(charge, place, this.#section.now)
      this.#section.commit()
    }
    return true
  }

  /** A thread that ends in between has given the units back. */
  readonly #renew: Work = (charges) => this.#refund(charges) && this.#takeAll(charges)

  readonly #reset: Work = (charges) => {
    for (let i = 0; i < charges.length; i++) {
      const place = this.#section.find(i)
      const offences = findOffences(place)
      if (offences >= 0) place.part.removeAt(offences)
      const { part, at } = this.#section.find(i)
      if (at >= 0) part.removeAt(at)
    }
    return true
  }

  /** Makes room for all keys; then blocks all of them. */
  #block(charges: readonly Charge[], micros: number): boolean {
    const section = this.#section
    for (let i = 0; i < charges.length; i++) {
      const { part, low, high, at } = section.find(i)
      if (at < 0) part.insert(low, high)
    }
    for (let i = 0; i < charges.length; i++) {
      const { part, at } = section.find(i)
      part.block(at, section.now + micros)
    }
    return true
  }
}

/**
 * A store over memory that all threads of a process share. Make one in each thread. Throws
 * `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION` for options that are not allowed, and
 * `FST_FLOODGATE_MEMORY` for a memory of another version or size, or one that `maxThreads` threads use
 * already.
 *
 * @example
 * ```js
 * const store = sharedStore({ memory: workerData.memory })
 * await app.register(rateLimit, { rate: 100, per: 'minute', store })
 * ```
 */
export function sharedStore(options: SharedStoreOptions): SyncStore {
  const { memory, clock } = ownOptions(options, ['memory', 'clock'], '')
  return new SharedStore(attach(memory), clock)
}
