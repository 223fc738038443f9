import type { PolicyOptions } from '../../types/index.js'
import { wallMicros } from '../store/index.js'
import { KeyFilter } from './key-filter.js'

/** What counts one key in place of the policies of its limiter. */
export interface OverrideInForce<L> {
  /** As it was given. */
  readonly policy: PolicyOptions | false
  /** Null: no limit. */
  readonly limiter: L | null
  /** When it ends, in milliseconds since 1970; `Infinity`: never. */
  readonly until: number
  readonly comment: string
  /** Whether it comes from a source of limits, which replaces all of its own at once. */
  readonly isSourced: boolean
  /** How often the key was looked up. */
  used: number
}

/** The overrides of one limiter, by key. One that has ended goes when it is met. */
export class Overrides<L> {
  /** That of a call wins over that of a source. */
  readonly #inForce = new Map<string, OverrideInForce<L>>()
  /** Those of a source whose keys have one of a call, too. */
  readonly #covered = new Map<string, OverrideInForce<L>>()
  /** Most keys have none: they must not pay for those that have. */
  #filter = new KeyFilter()
  /** Keys that have gone and are still in the filter. */
  #gone = 0
  readonly #onEnded: (key: string, isSourced: boolean) => void
  readonly #now: () => number

  /** `onEnded` hears of one that has ended by itself. `now` in microseconds since 1970. */
  constructor(onEnded: (key: string, isSourced: boolean) => void, now = wallMicros) {
    this.#onEnded = onEnded
    this.#now = now
  }

  /** Keys that have one. */
  get size(): number {
    return this.#inForce.size
  }

  /** The one that is in force. */
  get(key: string): OverrideInForce<L> | undefined {
    if (!this.#filter.mayHave(key)) return undefined
    const override = this.#inForce.get(key)
    if (override === undefined || !this.#hasEnded(override)) return override
    this.end(key, override.isSourced)
    this.#onEnded(key, override.isSourced)
    return this.get(key)
  }

  set(key: string, { policy, limiter, until, comment, isSourced, used }: OverrideInForce<L>): void {
    // All fields in one place: an object that was made by spreading another costs a look-up three times more.
    const override = { policy, limiter, until, comment, isSourced, used }
    const before = this.#inForce.get(key)
    if (before === undefined) this.#filter.add(key)
    if (before !== undefined && override.isSourced && !before.isSourced) this.#covered.set(key, override)
    else this.#inForce.set(key, override)
    if (before?.isSourced && !override.isSourced) this.#covered.set(key, before)
  }

  /** Ends that of a call, or that of a source. */
  end(key: string, isSourced: boolean): void {
    const override = this.#inForce.get(key)
    if (override?.isSourced !== isSourced) {
      if (isSourced) this.#covered.delete(key)
      return
    }
    const next = this.#covered.get(key)
    if (next === undefined) return this.#remove(key)
    this.#inForce.set(key, next)
    this.#covered.delete(key)
  }

  /** Those in force. */
  *[Symbol.iterator](): Iterator<[string, OverrideInForce<L>]> {
    for (const key of this.#inForce.keys()) {
      const override = this.get(key)
      if (override !== undefined) yield [key, override]
    }
  }

  /** Those of a source, also where that of a call is in force. */
  *sourced(): Iterable<[string, OverrideInForce<L>]> {
    for (const entry of this.#inForce) if (entry[1].isSourced) yield entry
    yield* this.#covered
  }

  /** The limiters of a key, or of all: of those that are in force, and of those that may be later. */
  *limiters(key?: string): Iterable<L> {
    for (const overrides of [this.#inForce, this.#covered]) {
      const some = key === undefined ? overrides.values() : [overrides.get(key)]
      for (const override of some) if (override?.limiter) yield override.limiter
    }
  }

  #remove(key: string): void {
    this.#inForce.delete(key)
    if (++this.#gone <= this.#inForce.size) return
    this.#gone = 0
    this.#filter = new KeyFilter()
    for (const key of this.#inForce.keys()) this.#filter.add(key)
  }

  #hasEnded({ until }: OverrideInForce<L>): boolean {
    return until !== Number.POSITIVE_INFINITY && until * 1000 <= this.#now()
  }
}
