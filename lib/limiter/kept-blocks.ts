import type { Store, SyncStore } from '../../types/index.js'
import { processMicros } from '../store/index.js'

/** Most blocks that one limiter remembers: the newest. */
const MOST = 10_000

/** The ends of a block, in microseconds. */
interface Ends {
  /** Of the block itself. It is over where the key was reset. */
  readonly own: number
  /** Of all blocks that the key had: laws that went meanwhile have not heard that one ends sooner. */
  readonly last: number
}

/**
 * The blocks that an operator set, until their ends. The state of a key belongs to one law; these go on under
 * the next law. So does the end of a block by a reset, or by a shorter block.
 */
export class KeptBlocks {
  /** The oldest block first. */
  readonly #ends = new Map<string, Ends>()
  readonly #now: () => number
  #notedAt = Number.NEGATIVE_INFINITY

  /** `now`: microseconds of the clock by which the store ends blocks. */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * A key is blocked for `left` ms from now on, or not with 0. Laws that are not in force may have it blocked
   * for `rest` ms.
   */
  set(key: string, left: number, rest = left): void {
    const now = this.#now()
    const last = Math.max(now + rest * 1000, this.#ends.get(key)?.last ?? 0)
    this.#ends.delete(key)
    this.#ends.set(key, { own: now + left * 1000, last })
    if (this.#ends.size <= MOST) return
    for (const oldest of this.#ends.keys()) {
      this.#ends.delete(oldest)
      return
    }
  }

  /** Returns whether it was blocked. */
  delete(key: string): boolean {
    const wasBlocked = this.left(key) > 0
    if (this.rest(key) > 0) this.set(key, 0)
    else this.#ends.delete(key)
    return wasBlocked
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
    return this.#until(this.#ends.get(key)?.own)
  }

  /** The milliseconds until no law has the key blocked any more. */
  rest(key: string): number {
    return this.#until(this.#ends.get(key)?.last)
  }

  /** The keys that are blocked by any law, and the milliseconds that are left of their blocks, or 0. */
  *[Symbol.iterator](): Iterator<[string, number]> {
    for (const key of this.#ends.keys()) {
      if (this.rest(key) > 0) yield [key, this.left(key)]
      else this.#ends.delete(key)
    }
  }

  #until(end = 0): number {
    return Math.max(0, end - this.#now()) / 1000
  }
}

/** The clock of a store, or that of this process: servers have clocks of their own, which run alike. */
export function clockOf(store: Store): () => number {
  return store.sync && store.now !== undefined ? () => (store as Required<SyncStore>).now() : processMicros()
}
