import type { Cells } from '../memory/cells.js'
import { badMemory } from '../memory/errors.js'
import { type Layout, OWNER, OWNER_WORDS, PART, PART_HEADER_WORDS } from '../memory/layout.js'
import type { Liveness } from '../memory/liveness.js'
import { Journal } from './journal.js'

/**
 * Low bits of an owner id: the number of the owner's record, from 1 on. High bits: how often the record
 * changed hands.
 */
const NUMBER_BITS = 10
const NUMBERS = 2 ** NUMBER_BITS
const GENERATIONS = 2 ** 20

/**
 * How often a thread tries a lock before it sleeps, how many ms it sleeps, and how often it sleeps before it
 * gives up. Nobody is woken: an unlock costs nothing more when nobody waits. A lock is held for a
 * microsecond, and longer only by a thread that the system has paused, or that has ended.
 */
const SPINS = 100
const NAP = 1
const MOST_NAPS = 10_000
/** A waiting thread asks the system every so many naps whether the owner still lives. */
const NAPS_PER_LOOK = 8

/**
 * The locks of all parts, for one thread. A lock is 0 (free) or the id of its owner. A thread that waits for
 * an owner that has ended, or has failed in a critical section, recovers it: it rolls the owner's journal
 * back and frees the owner's locks. It does that under the owner's recoverer word, which holds its id. A slow
 * thread keeps its locks, however long that takes.
 */
export class Locks {
  readonly journal: Journal
  /** The id of this thread. No other thread has it, now or later. */
  readonly ownerId: number
  /**
   * The word of the flag that says that a critical section has failed, for example because the stack was
   * full. Raise it with `Atomics.store` and nothing else, because that needs no stack. The next thread that
   * comes by recovers this one.
   */
  readonly brokenAt: number
  readonly #cells: Cells
  readonly #layout: Layout
  readonly #liveness: Liveness
  readonly #mostNaps: number
  readonly #number: number

  /** Gives up on a lock after `mostNaps` naps of 1 ms. */
  constructor(cells: Cells, layout: Layout, liveness: Liveness, mostNaps = MOST_NAPS) {
    this.#cells = cells
    this.#layout = layout
    this.#liveness = liveness
    this.#mostNaps = mostNaps
    this.#number = this.#register()
    this.brokenAt = this.#record(this.#number) + OWNER.BROKEN
    this.ownerId = this.#ownerIdOf(this.#number)
    this.journal = new Journal(cells, layout, this.#number)
    // Recover whatever the last owner of the record left.
    this.#cells.publish(this.brokenAt, 1)
    this.begin()
  }

  /**
   * Call this before the first lock of a critical section: it recovers this thread if its last section
   * failed.
   */
  begin(): void {
    for (let naps = 0; this.#cells.words[this.brokenAt] !== 0; naps++) {
      if (naps > this.#mostNaps) throw badMemory('is being put in order by a thread that does not go on')
      this.#recover(this.#number)
    }
  }

  /** Waits for the lock in that word. Take several in ascending order. */
  lock(at: number): void {
    if (this.#cells.swap(at, 0, this.ownerId) !== 0) this.#wait(at)
  }

  unlock(at: number): void {
    this.#cells.publish(at, 0)
  }

  #wait(at: number): void {
    const cells = this.#cells
    for (let naps = 0; naps <= this.#mostNaps; naps++) {
      let holder = 0
      for (let spins = 0; spins < SPINS; spins++) {
        holder = cells.swap(at, 0, this.ownerId)
        if (holder === 0) return
      }
      const number = this.#numberOf(holder)
      if (this.#isBroken(number) || (naps % NAPS_PER_LOOK === 1 && this.#isGone(number)))
        this.#recover(number)
      else Atomics.wait(cells.words, at, holder, NAP)
    }
    throw badMemory('is locked by a thread that is alive and does not go on')
  }

  /**
   * Takes the record that is this thread's already, or else a free one, or else one whose thread has ended.
   */
  #register(): number {
    const { name } = this.#liveness
    const { words } = this.#cells
    const { maxThreads } = this.#layout
    const tests = [
      (number: number) => words[this.#record(number)] === name,
      (number: number) => words[this.#record(number)] === 0,
      (number: number) => this.#isGone(number),
    ]
    for (const test of tests) {
      for (let number = 0; number < maxThreads; number++) {
        const at = this.#record(number)
        const before = words[at + OWNER.NAME]
        if (!test(number) || this.#cells.swap(at + OWNER.NAME, before, name) !== before) continue
        const generation = words[at + OWNER.GENERATION] + (before === name ? 0 : 1)
        this.#cells.publish(at + OWNER.GENERATION, generation % GENERATIONS)
        return number
      }
    }
    throw badMemory(`is used by ${maxThreads} threads already: maxThreads allows no more`)
  }

  /** Recovers the owner of that number, or waits for 1 ms at most while another thread does. */
  #recover(number: number): void {
    const cells = this.#cells
    const at = this.#record(number) + OWNER.RECOVERER
    const recoverer = cells.swap(at, 0, this.ownerId)
    if (
      recoverer !== 0 &&
      !(this.#isStale(recoverer) && cells.swap(at, recoverer, this.ownerId) === recoverer)
    ) {
      Atomics.wait(cells.words, at, recoverer, NAP)
      return
    }
    try {
      // Look again: only now can no other thread recover the owner, and no new thread have begun to use its
      // record.
      if (this.#isBroken(number) || this.#isGone(number)) this.#putInOrder(number)
    } finally {
      Atomics.store(this.#cells.words, at, 0)
    }
  }

  #putInOrder(number: number): void {
    const { words } = this.#cells
    new Journal(this.#cells, this.#layout, number).rollBack()
    for (let part = 0; part < this.#layout.parts; part++) {
      const at = this.#layout.partHeaders + part * PART_HEADER_WORDS + PART.LOCK
      if (this.#numberOf(words[at]) === number) this.unlock(at)
    }
    this.#cells.publish(this.#record(number) + OWNER.BROKEN, 0)
  }

  /** Whether the recoverer with that id will never go on. */
  #isStale(ownerId: number): boolean {
    const number = this.#numberOf(ownerId)
    return ownerId !== this.#ownerIdOf(number) || this.#isGone(number)
  }

  #isBroken(number: number): boolean {
    return this.#cells.words[this.#record(number) + OWNER.BROKEN] !== 0
  }

  #isGone(number: number): boolean {
    const name = Atomics.load(this.#cells.words, this.#record(number) + OWNER.NAME)
    return name !== this.#liveness.name && this.#liveness.gone(name)
  }

  #record(number: number): number {
    return this.#layout.owners + number * OWNER_WORDS
  }

  #ownerIdOf(number: number): number {
    return this.#cells.words[this.#record(number) + OWNER.GENERATION] * NUMBERS + number + 1
  }

  #numberOf(ownerId: number): number {
    return (ownerId & (NUMBERS - 1)) - 1
  }
}
