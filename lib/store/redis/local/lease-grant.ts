import type { TokenBucket } from '../../../policy/index.js'
import type { Reply } from '../transport/reply.js'

/** Units of one key that were leased together. */
export class Grant {
  readonly #law: TokenBucket
  /** The slots that are free, counted from the last one, which is 0; the earliest comes last. */
  readonly #free: number[]
  /** Slots of the units that were charged together, those included that were not leased. */
  readonly #slots: number
  /** Ticks that the bucket owed with all of them charged, at the local time `at` (microseconds, not later than it was so). */
  readonly #owed: number
  readonly #at: number
  /** The server's time, in microseconds, at which it owed that. */
  readonly #now: number

  /** `owed`: ticks that the bucket owes without the units; the takes that were charged with them lie right below. */
  constructor(law: TokenBucket, units: number, takes: number, owed: number, reply: Reply) {
    this.#law = law
    this.#free = []
    for (let slot = 0; slot < units; slot++) this.#free.push(slot)
    this.#slots = units + takes
    this.#owed = owed + units * law.interval
    this.#at = reply.sentAt
    this.#now = reply.now
  }

  /** Units that are not spent. */
  get units(): number {
    return this.#free.length
  }

  /** Ticks that the bucket owes at a local time, with all units charged. */
  owed(now: number): number {
    return this.#owed - (now - this.#at) * this.#law.resolution
  }

  /** Spends units whose slots follow each other, so that they can come back together; returns their `chargedAt`, or 0 if there are not enough. */
  spend(cost: number, now: number): number {
    const free = this.#free
    const { interval } = this.#law
    const owed = this.owed(now)
    // Units whose slot has begun have come back in the store.
    while (free.length > 0 && (free[free.length - 1] + 1) * interval > owed) free.pop()
    const slot = free[free.length - cost]
    if (slot === undefined || slot + cost - 1 !== free[free.length - 1]) return 0
    // Writing the length of an array is dear.
    if (cost === 1) free.pop()
    else free.length -= cost
    return this.#endOf(slot)
  }

  /** Whether the slot that `chargedAt` names is one of its own. */
  has(chargedAt: number): boolean {
    const slot = this.#slotOf(chargedAt)
    return slot >= 0 && slot < this.#slots
  }

  /** Takes units back into their slots. */
  giveBack(cost: number, chargedAt: number): void {
    const last = this.#slotOf(chargedAt)
    for (let slot = last; slot < last + cost; slot++) setFree(this.#free, slot)
  }

  /** When its last slot ends, in microseconds of the server: the `chargedAt` of the unit. */
  get end(): number {
    return this.#endOf(0)
  }

  /** Units at its end that are not spent. */
  get unspentAtEnd(): number {
    return this.#free.filter((slot, i) => slot === i).length
  }

  /** Is none of its slots used? */
  get isWhole(): boolean {
    return this.unspentAtEnd === this.#slots
  }

  /** Does its first slot begin where the last one of another block ends? */
  follows(earlier: Grant): boolean {
    const { interval, resolution } = this.#law
    const begin = (this.#now - earlier.#now) * resolution + this.#owed - this.#slots * interval
    return begin === earlier.#owed
  }

  #slotOf(chargedAt: number): number {
    const { interval, resolution } = this.#law
    return Math.ceil((this.#owed - (chargedAt - this.#now) * resolution) / interval)
  }

  #endOf(slot: number): number {
    const { interval, resolution } = this.#law
    return this.#now + Math.ceil((this.#owed - slot * interval) / resolution)
  }
}

function setFree(free: number[], slot: number): void {
  let at = free.length
  while (at > 0 && free[at - 1] > slot) at--
  if (free[at - 1] !== slot) free.splice(at, 0, slot)
}
