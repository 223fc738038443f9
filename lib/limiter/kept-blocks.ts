import type { Store, SyncStore } from '../../types/index.js'
import { processMicros } from '../store/index.js'

/** Most blocks that one limiter remembers: the newest. */
const MOST = 10_000

/**
 * The blocks that an operator set, until their ends. The state of a key belongs to one law; these go on under
 * the next law.
 */
export class KeptBlocks {
  /** Ends in microseconds, the oldest block first. */
  readonly #ends = new Map<string, number>()
  readonly #now: () => number
  #notedAt = Number.NEGATIVE_INFINITY

  /** `now`: microseconds of the clock by which the store ends blocks. */
  constructor(now: () => number) {
    this.#now = now
  }

  set(key: string, ms: number): void {
    this.#ends.delete(key)
    this.#ends.set(key, this.#now() + ms * 1000)
    if (this.#ends.size <= MOST) return
    for (const oldest of this.#ends.keys()) {
      this.#ends.delete(oldest)
      return
    }
  }

  /** Returns whether it was there. */
  delete(key: string): boolean {
    return this.#ends.delete(key)
  }

  /** Keys were blocked again, under another law. */
  note(): void {
    this.#notedAt = this.#now()
  }

  /** Whether keys were blocked again in the last `ms`. */
  notedWithin(ms: number): boolean {
    return this.#now() - this.#notedAt <= ms * 1000
  }

  /** The milliseconds that are left of the block of a key; 0 if it has none. */
  left(key: string): number {
    const end = this.#ends.get(key)
    return end === undefined ? 0 : Math.max(0, end - this.#now()) / 1000
  }

  /** The keys that are blocked, and the milliseconds that are left. */
  *[Symbol.iterator](): Iterator<[string, number]> {
    for (const key of this.#ends.keys()) {
      const left = this.left(key)
      if (left > 0) yield [key, left]
      else this.#ends.delete(key)
    }
  }
}

/** The clock of a store, or that of this process: servers have clocks of their own, which run alike. */
export function clockOf(store: Store): () => number {
  return store.sync && store.now !== undefined ? () => (store as Required<SyncStore>).now() : processMicros()
}
