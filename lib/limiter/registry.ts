import type { Policy, Store } from '../../types/index.js'
import { duplicateLimiter, unknownLimiter } from './errors.js'
import { limiterOver, type StoreLimiter } from './store-limiter.js'

/** Limiters by name, over one store. */
export class Registry implements Iterable<StoreLimiter> {
  readonly store: Store
  readonly #limiters = new Map<string, StoreLimiter>()

  constructor(store: Store) {
    this.store = store
  }

  /** Adds a limiter; throws `FST_FLOODGATE_DUPLICATE` if the name is taken. */
  add(name: string, policies: readonly Policy[]): StoreLimiter {
    if (this.#limiters.has(name)) throw duplicateLimiter(name)
    const limiter = limiterOver(name, policies, this.store)
    this.#limiters.set(name, limiter)
    return limiter
  }

  /** Throws `FST_FLOODGATE_UNKNOWN_LIMITER` if there is none of that name. */
  get(name: string): StoreLimiter {
    const limiter = this.#limiters.get(name)
    if (limiter === undefined) throw unknownLimiter(name, [...this.#limiters.keys()])
    return limiter
  }

  has(name: string): boolean {
    return this.#limiters.has(name)
  }

  [Symbol.iterator](): Iterator<StoreLimiter> {
    return this.#limiters.values()
  }
}
