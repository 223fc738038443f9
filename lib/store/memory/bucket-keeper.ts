import type { Charge } from '../../../types/index.js'
import { type TokenBucket, tokenBucket } from '../../policy/index.js'
import { bucketVerdict } from '../verdict.js'
import type { Insert, Keeper, MemoryBucket, StoredLaw } from './keeper.js'
import type { Table } from './table.js'

/** Beyond this many ticks, sums of times would not be exact. The ticks of a law then start again from 0. */
const HORIZON = 2 ** 52

/** Keeps token buckets. The state of a slot is its tat, in ticks since the epoch of its law. */
export class BucketKeeper implements Keeper {
  readonly #table: Table
  readonly #insert: Insert

  constructor(table: Table, insert: Insert) {
    this.#table = table
    this.#insert = insert
  }

  judge(
    charge: Charge,
    stored: StoredLaw,
    cost: number,
    slot: number,
    micros: number,
    commit: boolean,
  ): boolean {
    const law = stored.numbers as TokenBucket
    const now = this.#ticks(stored, micros)
    let tat = slot < 0 ? 0 : tokenBucket.heal(law, this.#table.state(slot), now)
    const wait = tokenBucket.wait(law, tat, now, cost)
    const allowed = wait <= law.patience
    if (commit && allowed && cost > 0) {
      tat = tokenBucket.charge(law, tat, now, cost)
      charge.chargedAt = micros + (tat - now) / law.resolution
      this.#table.setState(slot < 0 ? this.#insert(charge.bucket as MemoryBucket) : slot, tat)
    }
    bucketVerdict(charge, law, tat, now, wait)
    return allowed
  }

  refund({ cost, chargedAt }: Charge, stored: StoredLaw, slot: number, micros: number): void {
    const law = stored.numbers as TokenBucket
    const now = this.#ticks(stored, micros)
    const tat = tokenBucket.heal(law, this.#table.state(slot), now)
    // `chargedAt` is in microseconds, which stay valid when the ticks start again.
    const charged = now + Math.round((chargedAt - micros) * law.resolution)
    this.#table.setState(slot, tokenBucket.refund(law, tat, now, cost, charged))
  }

  heat(table: Table, slot: number, micros: number, { numbers, epoch }: StoredLaw): number {
    const law = numbers as TokenBucket
    const owed = table.state(slot) - (micros - epoch) * law.resolution
    if (owed <= 0) return 0
    // In microseconds, so that keys of different laws compare.
    return table.isDenied(slot) ? 1 + owed / law.resolution : Math.min(1, owed / law.tolerance)
  }

  release(): void {}

  #ticks(law: StoredLaw, micros: number): number {
    const now = (micros - law.epoch) * (law.numbers as TokenBucket).resolution
    if (now < HORIZON) return now
    this.#rebase(law, micros, now)
    return 0
  }

  /** Starts the ticks of a law again at `micros`, and subtracts `ticks` from the tat of each of its keys. */
  #rebase(law: StoredLaw, micros: number, ticks: number): void {
    law.epoch = micros
    const table = this.#table
    table.forEach((slot) => {
      if (table.lawId(slot) !== law.id) return
      const denied = table.isDenied(slot)
      table.setState(slot, Math.max(0, table.state(slot) - ticks))
      if (denied) table.setDenied(slot)
    })
  }
}
