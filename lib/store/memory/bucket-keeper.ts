import type { Charge } from '../../../types/index.js'
import { type TokenBucket, tokenBucket } from '../../policy/index.js'
import { bucketVerdict } from '../verdict.js'
import type { Keeper, MemoryBucket, Shelf } from './keeper.js'
import type { Table } from './table.js'

/** Beyond this many ticks sums of times would no longer be exact; a law's ticks then start anew. */
const HORIZON = 2 ** 52

/** Token buckets: the state of a slot is its tat, in ticks since the epoch of its law. */
export class BucketKeeper implements Keeper {
  readonly #table: Table
  readonly #shelf: Shelf
  readonly #laws: TokenBucket[] = []
  /** Microsecond at which the ticks of the law with that tag start. */
  readonly #epochs: number[] = []

  constructor(table: Table, shelf: Shelf) {
    this.#table = table
    this.#shelf = shelf
  }

  admit(tag: number, law: TokenBucket): void {
    this.#laws[tag] = law
    this.#epochs[tag] = 0
  }

  judge(charge: Charge, cost: number, slot: number, micros: number, commit: boolean): boolean {
    const { tag } = charge.bucket as MemoryBucket
    const law = this.#laws[tag]
    const now = this.#ticks(tag, micros)
    let tat = slot < 0 ? 0 : tokenBucket.settle(law, this.#table.state(slot), now)
    const wait = tokenBucket.wait(law, tat, now, cost)
    const allowed = wait === 0
    if (commit) {
      if (!allowed) {
        // What never fits is no reason to keep a key.
        if (slot >= 0 && wait !== Number.POSITIVE_INFINITY) this.#table.mark(slot)
      } else if (cost > 0) {
        tat = tokenBucket.charge(law, tat, now, cost)
        charge.stamp = micros + (tat - now) / law.resolution
        this.#table.setState(slot < 0 ? this.#shelf.insert(tag) : slot, tat)
      }
    }
    bucketVerdict(charge, law, tat, now, wait)
    return allowed
  }

  refund({ bucket, cost, stamp }: Charge, slot: number, micros: number): void {
    const { tag } = bucket as MemoryBucket
    const law = this.#laws[tag]
    const now = this.#ticks(tag, micros)
    const tat = tokenBucket.settle(law, this.#table.state(slot), now)
    // In microseconds, which outlive a new start of the ticks.
    const charged = now + Math.round((stamp - micros) * law.resolution)
    this.#table.setState(slot, tokenBucket.refund(law, tat, now, cost, charged))
  }

  heat(slot: number, micros: number): number {
    const tag = this.#table.tag(slot)
    const law = this.#laws[tag]
    const owed = this.#table.state(slot) - (micros - this.#epochs[tag]) * law.resolution
    if (owed <= 0) return 0
    const spent = Math.min(1, owed / law.tolerance)
    return this.#table.marked(slot) ? 1 + spent : spent
  }

  release(): void {}

  #ticks(tag: number, micros: number): number {
    const now = (micros - this.#epochs[tag]) * this.#laws[tag].resolution
    if (now < HORIZON) return now
    this.#rebase(tag, micros, now)
    return 0
  }

  /** Lets the ticks of a law start at `micros`, and takes as many from the tat of each of its keys. */
  #rebase(tag: number, micros: number, ticks: number): void {
    this.#epochs[tag] = micros
    const table = this.#table
    table.forEach((slot) => {
      if (table.tag(slot) !== tag) return
      const marked = table.marked(slot)
      table.setState(slot, Math.max(0, table.state(slot) - ticks))
      if (marked) table.mark(slot)
    })
  }
}
