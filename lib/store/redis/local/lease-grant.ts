import type { TokenBucket } from '../../../policy/index.js'
import type { Reply } from '../transport/reply.js'

/**
 * A stretch of a bucket's time that is charged in the store, and whose units may be spent here. Each unit has
 * a slot of one interval that has not begun when it is spent: the next one, or the present where that is
 * past. Positions are ticks from `now` of the server on, when it was `at` here, or later.
 */
export class Grant {
  readonly #law: TokenBucket
  #now: number
  #at: number
  /** Where the first slot begins. Those before it are past. */
  #start: number
  /** Slots that were used, one after the other, those included whose units came back. */
  #used: number
  /** Used slots whose units came back, in their order. Mostly there are none. */
  #free: number[] = []
  #end: number
  /** Whether the store did not take its rest back, as others hold units above it. */
  isBuried = false

  /**
   * `owed`: ticks that the bucket owes without the units; the takes that were charged with them lie right
   * below.
   */
  constructor(law: TokenBucket, units: number, takes: number, owed: number, reply: Reply) {
    this.#law = law
    this.#now = reply.now
    this.#at = reply.sentAt
    this.#start = owed - takes * law.interval
    this.#used = takes
    this.#end = owed + units * law.interval
  }

  /** Ticks from a local time until its end: what its bucket owes at least, with all units charged. */
  owed(now: number): number {
    return this.#end - this.#position(now)
  }

  /** Ticks of these that no unit uses. */
  unused(now: number): number {
    const position = this.#position(now)
    const unused = Math.max(0, this.#end - Math.max(this.#tat, position))
    if (this.#free.length === 0) return unused
    this.#forgetBegun(position)
    return unused + this.#free.length * this.#law.interval
  }

  /** Units that can be spent. */
  units(now: number): number {
    return Math.floor(this.unused(now) / this.#law.interval)
  }

  /**
   * Spends units whose slots follow each other, so that they can come back together; returns their
   * `chargedAt`, or 0 if there are not enough.
   */
  spend(cost: number, now: number): number {
    const position = this.#position(now)
    const { interval } = this.#law
    const again = this.#free.length === 0 ? -1 : this.#spendFree(cost, position)
    if (again >= 0) return this.#serverTime(this.#start + (again + 1) * interval)
    const tat = Math.max(this.#tat, position) + cost * interval
    if (tat > this.#end) return 0
    if (this.#tat < position) {
      this.#start = position
      this.#used = 0
    }
    this.#used += cost
    return this.#serverTime(tat)
  }

  /** Whether `chargedAt` names one of its slots. */
  has(chargedAt: number): boolean {
    const slot = this.#slotOf(chargedAt)
    return slot >= 0 && this.#start + (slot + 1) * this.#law.interval <= this.#end
  }

  /** Takes units back into their slots, each once. */
  giveBack(cost: number, chargedAt: number): void {
    const last = this.#slotOf(chargedAt)
    const free = this.#free
    for (let slot = Math.max(0, last - cost + 1); slot <= last && slot < this.#used; slot++)
      if (!free.includes(slot)) free.push(slot)
    free.sort((a, b) => a - b)
    while (free.length > 0 && free[free.length - 1] === this.#used - 1) {
      free.pop()
      this.#used--
    }
  }

  /** When it ends, in microseconds of the server: the mark that the store keeps of the last lease. */
  get mark(): number {
    return this.#serverTime(this.#end)
  }

  /** Cuts off what lies after the last used slot; returns its ticks. */
  cut(): number {
    const rest = this.#end - this.#tat
    this.#end = this.#tat
    return rest
  }

  /** The store did not take back what was cut off. */
  restore(rest: number): void {
    this.#end += rest
    this.isBuried = true
  }

  /** Takes in a grant that begins where it ends; returns whether it does. */
  join(next: Grant): boolean {
    const passed = (next.#now - this.#now) * this.#law.resolution
    if (next.#used > 0 || next.#start + passed !== this.#end) return false
    this.#now = next.#now
    this.#at = next.#at
    this.#start -= passed
    this.#end = next.#end
    return true
  }

  /** Where the last used slot ends. */
  get #tat(): number {
    return this.#start + this.#used * this.#law.interval
  }

  #position(now: number): number {
    return (now - this.#at) * this.#law.resolution
  }

  /** A slot that has begun is a unit that has come back in the store. */
  #forgetBegun(position: number): void {
    const { interval } = this.#law
    while (this.#free.length > 0 && this.#start + this.#free[0] * interval < position) this.#free.shift()
  }

  /** Uses free slots that follow each other; returns the last of them, or -1. */
  #spendFree(cost: number, position: number): number {
    this.#forgetBegun(position)
    const free = this.#free
    for (let i = 0; i + cost <= free.length; i++) {
      if (free[i + cost - 1] - free[i] === cost - 1) return free.splice(i, cost)[cost - 1]
    }
    return -1
  }

  #slotOf(chargedAt: number): number {
    const { interval, resolution } = this.#law
    return Math.floor(((chargedAt - this.#now) * resolution - this.#start) / interval) - 1
  }

  #serverTime(position: number): number {
    return this.#now + Math.ceil(position / this.#law.resolution)
  }
}
