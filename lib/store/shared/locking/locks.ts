import type { Cells } from '../memory/cells.js'
import { badMemory } from '../memory/errors.js'
import { isLatch, type Layout, LINE_WORDS, OWNER, OWNER_WORDS, PAGE, PAGE_WORDS } from '../memory/layout.js'
import type { Lifeline } from '../memory/liveness.js'
import { Journal, partAt } from './journal.js'

/** A ticket is the number of an owner's record, from 1 on, in its low bits, and above it how often the record changed hands. */
const NUMBER_BITS = 10
const NUMBERS = 2 ** NUMBER_BITS
const GENERATIONS = 2 ** 20

/**
 * How often a lock is tried before a thread goes to sleep, for how many ms then, and how often it does until it gives up.
 * Nobody is woken, so that a lock that nobody waits for costs nothing more: a lock is held for a microsecond, and for longer only
 * by a thread that the system has put aside, or ended.
 */
const SPINS = 100
const NAP = 1
const MOST_NAPS = 10_000
/** Every so many naps a thread asks the system whether the one that it waits for is still there. */
const NAPS_PER_LOOK = 8

/**
 * The locks of all parts and the latches in their lines, for one thread. Each is free (0) or holds the ticket of its owner. Whoever
 * waits for one whose owner has ended, or has failed in the middle of something, puts back what that owner's journal says and
 * frees all that it holds. That is done under the owner's rescue word, which holds the ticket of the rescuer and is taken from one
 * that has ended. A thread that is only slow keeps what it has, however long that takes.
 */
export class Locks {
  readonly journal: Journal
  /** Of this thread: no other thread has it, now or later. */
  readonly ticket: number
  /**
   * Word of the flag to raise when a section fails, for want of stack perhaps: with `Atomics.store` and nothing else, which
   * takes no stack. Whoever comes next puts things in order.
   */
  readonly brokenAt: number
  readonly #cells: Cells
  readonly #layout: Layout
  readonly #lifeline: Lifeline
  readonly #mostNaps: number
  readonly #number: number
  /** Word that says which latch this thread has, or had last. */
  readonly #latchAt: number

  /** Gives up on a lock after `mostNaps` times a ms. */
  constructor(cells: Cells, layout: Layout, lifeline: Lifeline, mostNaps = MOST_NAPS) {
    this.#cells = cells
    this.#layout = layout
    this.#lifeline = lifeline
    this.#mostNaps = mostNaps
    this.#number = this.#register()
    this.brokenAt = this.#record(this.#number) + OWNER.BROKEN
    this.#latchAt = this.#record(this.#number) + OWNER.LATCH
    this.ticket = this.#ticketOf(this.#number)
    this.journal = new Journal(cells, layout, this.#number)
    // Whatever the thread that had the record before left behind.
    this.#cells.publish(this.brokenAt, 1)
    this.begin()
  }

  /** To be called before the first lock of a section. */
  begin(): void {
    for (let naps = 0; this.#cells.words[this.brokenAt] !== 0; naps++) {
      if (naps > this.#mostNaps) throw badMemory('is being put in order by a thread that does not go on')
      this.#rescue(this.#number)
    }
    this.journal.begin()
  }

  /** Waits for the lock of the part whose page begins at that word. Several are always taken in ascending order. */
  lock(page: number): void {
    if (this.#cells.swap(page, 0, this.ticket) !== 0) this.#wait(page, this.ticket)
  }

  /** Takes a latch, unless another thread has it or the lock of its part, whose page begins at that word. */
  takeLatch(latch: number, page: number): boolean {
    const cells = this.#cells
    // Whoever finds this thread gone in it is told where to look, before there is anything to be found.
    cells.set(this.#latchAt, latch)
    if (cells.swap(latch, 0, this.ticket) !== 0) return false
    // Who locks a part looks at its latches afterwards. One of the two sees the other.
    if (Atomics.load(cells.words, page) === 0) return true
    this.unlock(latch)
    return false
  }

  /** Waits until nobody has that latch, without taking it. */
  awaitLatch(latch: number): void {
    this.#wait(latch, 0)
  }

  /** Gives back the lock or the latch in that word. */
  unlock(at: number): void {
    this.#cells.publish(at, 0)
  }

  /** Waits until the word of a lock or latch is free, and writes `mine`. */
  #wait(at: number, mine: number): void {
    const cells = this.#cells
    for (let naps = 0; naps <= this.#mostNaps; naps++) {
      let holder = this.ticket
      for (let spins = 0; spins < SPINS; spins++) {
        holder = cells.swap(at, 0, mine)
        if (holder === 0 || holder === this.ticket) return
      }
      const number = this.#numberOf(holder)
      // No thread of ours wrote that.
      if (number < 0) cells.swap(at, holder, 0)
      else if (this.#isBroken(number) || (naps % NAPS_PER_LOOK === 1 && this.#isGone(number)))
        this.#rescue(number, at)
      else Atomics.wait(cells.words, at, holder, NAP)
    }
    throw badMemory('is locked by a thread that is alive and does not go on')
  }

  /** The record that is this thread's already, or a free one, or one whose thread has ended. */
  #register(): number {
    const { name } = this.#lifeline
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

  /**
   * Puts in order what the owner of that number left, or waits a little while another does. `wanted`: the word of a lock or latch
   * that is wanted from it.
   */
  #rescue(number: number, wanted = -1): void {
    const cells = this.#cells
    const at = this.#record(number) + OWNER.RESCUER
    const rescuer = cells.swap(at, 0, this.ticket)
    if (rescuer !== 0 && !(this.#isStale(rescuer) && cells.swap(at, rescuer, this.ticket) === rescuer)) {
      Atomics.wait(cells.words, at, rescuer, NAP)
      return
    }
    try {
      // Only now is it certain: nobody else puts it in order, and no new thread has begun to use the record.
      if (this.#isBroken(number) || this.#isGone(number)) this.#putInOrder(number, wanted)
    } finally {
      Atomics.store(this.#cells.words, at, 0)
    }
  }

  #putInOrder(number: number, wanted: number): void {
    const cells = this.#cells
    const layout = this.#layout
    const has = (at: number) => this.#numberOf(cells.words[at]) === number
    const holds = (part: number) => part >= 0 && has(this.#lockAt(part))
    const latched = (at: number) => isLatch(layout, at) && has(at)
    const latch = cells.words[this.#record(number) + OWNER.LATCH]
    const inLine = (at: number, length: number) =>
      latched(latch) && at > latch && length >= 0 && at + length <= latch + LINE_WORDS
    const journal = new Journal(cells, layout, number)
    journal.rollBack((at, length) => holds(partAt(layout, at, length)) || inLine(at, length))
    for (let part = 0; part <= layout.parts; part++) if (holds(part)) this.unlock(this.#lockAt(part))
    for (const at of [latch, wanted]) if (latched(at)) this.unlock(at)
    cells.publish(this.#record(number) + OWNER.BROKEN, 0)
  }

  /** Whether the rescuer with that ticket will never go on. */
  #isStale(ticket: number): boolean {
    const number = this.#numberOf(ticket)
    return number < 0 || ticket !== this.#ticketOf(number) || this.#isGone(number)
  }

  #isBroken(number: number): boolean {
    return this.#cells.words[this.#record(number) + OWNER.BROKEN] !== 0
  }

  #isGone(number: number): boolean {
    const name = Atomics.load(this.#cells.words, this.#record(number) + OWNER.NAME)
    return name <= 0 || (name !== this.#lifeline.name && this.#lifeline.gone(name))
  }

  #record(number: number): number {
    return this.#layout.owners + number * OWNER_WORDS
  }

  #lockAt(part: number): number {
    return this.#layout.pages + part * PAGE_WORDS + PAGE.LOCK
  }

  #ticketOf(number: number): number {
    return this.#cells.words[this.#record(number) + OWNER.GENERATION] * NUMBERS + number + 1
  }

  /** The number in a ticket, or -1 if it is none. */
  #numberOf(ticket: number): number {
    const number = (ticket & (NUMBERS - 1)) - 1
    return number < this.#layout.maxThreads ? number : -1
  }
}
