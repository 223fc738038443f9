import type { Charge, Decision, LimiterStats, Store, WaitOptions } from '../../types/index.js'
import { statsOf } from '../observe/index.js'
import { invalidOption } from '../policy/index.js'
import { ask, checkKey, readWait } from './ask.js'
import { unlimited } from './charges.js'
import { OperatedLimiter } from './operated-limiter.js'
import { Runner } from './runner.js'

/** What limiters of both kinds have in common. */
export abstract class BaseLimiter<S extends Store> extends OperatedLimiter<S> {
  /** Made when it is needed: an app may have thousands of limiters that hold and run nothing. */
  #runner: Runner | null = null
  /** Charges that no call uses, for the next call. */
  #spare: readonly Charge[] | null = null

  /** Whether all of its policies are shadows, for all keys. */
  get isShadow(): boolean {
    return this.policies.every(({ enforce }) => enforce === 0)
  }

  stats(): LimiterStats {
    return statsOf(this.buckets)
  }

  get lost(): number {
    return this.#runner?.lost ?? 0
  }

  /** Calls of `wait` and `run` that are held now. */
  get waiting(): number {
    return this.#runner?.waiting ?? 0
  }

  async wait(key: string, options?: WaitOptions): Promise<Decision> {
    const { cost, signal } = readWait(options)
    const limiter = this.of(key)
    if (limiter === null) return this.noLimit(key, cost)
    return this.#runnerOf().wait(ask(limiter.newCharges(), key, cost), signal)
  }

  async run<T>(key: string, task: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T> {
    if (typeof task !== 'function') throw invalidOption('task', task, 'a function')
    const { cost, signal } = readWait(options)
    const limiter = this.of(key)
    if (limiter === null) {
      this.noLimit(key, cost)
      return task()
    }
    return this.#runnerOf().run(ask(limiter.newCharges(), key, cost), task, signal)
  }

  /** What counts a key: this limiter, or that of its override; null where the key has no limit. */
  of(key: string): this | null {
    if (this.overrides === null) return this
    checkKey(key)
    const override = this.overrides.get(key)
    if (override === undefined) return this
    override.used++
    return override.limiter
  }

  /**
   * What `peekEach` asks: of a key, and of the same as an address. It looks no override up, as calls do. None
   * where the key has no limit.
   */
  protected chargesOf(key: string): readonly [Charge[], Charge[]] {
    this.checkSubject(key)
    const unkeyed = this.unkeyedOf(key)
    return [this.#chargesOf(key), unkeyed === null ? [] : unkeyed.#chargesOf(key)]
  }

  #chargesOf(key: string): Charge[] {
    const override = this.overrides?.get(key)
    const limiter = override === undefined ? this : override.limiter
    return limiter === null ? [] : [...ask(limiter.newCharges(), key)]
  }

  /**
   * Charges of one call, which asks about a key. Calls have their own: listeners to a decision may make
   * others before it is returned.
   */
  protected borrow(key: string, cost?: number): readonly Charge[] {
    const spare = this.#spare
    // An update may have opened other buckets.
    const isUsable = spare !== null && spare[0].bucket === this.buckets[0]
    this.#spare = null
    return ask(isUsable ? spare : this.newCharges(), key, cost)
  }

  /** The call is over, and has read its decision. */
  protected giveBack(charges: readonly Charge[]): void {
    this.#spare = charges
  }

  /** The decision about a key that has no limit. Throws for a key or a cost that is not allowed. */
  protected noLimit(key: string, cost?: number): Decision {
    ask([], key, cost)
    return unlimited(this.policies[0])
  }

  /** Calls of keys that have an override wait among the others. */
  #runnerOf(): Runner {
    this.#runner ??= new Runner(this.name, this.store, this.timing)
    return this.#runner
  }
}
