import type { Bucket, Policy, Store } from '../../types/index.js'
import type { PolicyCounters } from '../observe/index.js'
import { lawNumbers } from '../policy/index.js'
import { checkKey } from './ask.js'
import { BlockingLimiter } from './blocking-limiter.js'
import { wrongAddress } from './errors.js'
import { type OverrideInForce, Overrides } from './overrides.js'
import type { Timing } from './runner.js'
import { checkRoom, openSpace } from './spaces.js'

/** What operators change of a limiter while it runs: its policies, and what holds for some of its keys. */
export abstract class OperatedLimiter<S extends Store> extends BlockingLimiter<S> {
  readonly name: string
  policies: readonly Policy[]
  buckets: readonly Bucket[]
  /** Whether any of its policies is a shadow, for some keys at least. */
  hasShadows: boolean
  /** Null where there are none, so that nothing is looked up. */
  overrides: Overrides<this> | null = null
  protected readonly timing: Timing
  /** The buckets that were opened first: laws that come later share their spaces. */
  readonly #spaces: Bucket[]
  #unkeyed: Unkeyed<this> | null = null
  #correct: (key: string) => string | null = () => null

  constructor(name: string, policies: readonly Policy[], store: S, spaces: Spaces, timing: Timing) {
    super(store)
    this.name = name
    this.policies = policies
    this.hasShadows = policies.some(({ enforce }) => enforce < 1)
    this.timing = timing
    checkRoom(store, policies)
    this.buckets = policies.map((policy, i) => store.open(policy, spaceOf(spaces, i)))
    this.#spaces = Array.isArray(spaces) ? spaces : [...this.buckets]
  }

  /**
   * `limiter` counts clients without a key by their address. What is said of such a key of this limiter holds
   * there, too: operators have no other name for it.
   */
  setUnkeyed(limiter: this, isAddress: (key: string) => boolean): void {
    this.#unkeyed = { limiter, isAddress, twins: new WeakMap() }
  }

  /**
   * `correct` returns the key of the client that an operator means, where it is another one than what was
   * said.
   */
  setCorrection(correct: (key: string) => string | null): void {
    this.#correct = correct
  }

  /** As `setCorrection`. */
  corrected(key: string): string | null {
    return this.#correct(key)
  }

  /** Throws `FST_FLOODGATE_KEY` for a key of which an operator cannot say anything. */
  checkSubject(key: string): void {
    checkKey(key)
    const corrected = this.#correct(key)
    if (corrected !== null) throw wrongAddress(corrected)
  }

  /**
   * Makes other policies ready. Nothing has changed until the returned function is called, which cannot fail.
   * Their laws have keys of their own, so that all keys begin fresh, but for blocks that were set by hand.
   */
  prepare(policies: readonly Policy[]): (counters: readonly PolicyCounters[]) => void {
    checkRoom(this.store, policies)
    const buckets = policies.map((policy, i) => this.store.open(policy, this.#spaceOf(i)))
    return (counters) => {
      this.policies = policies
      this.buckets = buckets
      this.hasShadows = policies.some(({ enforce }) => enforce < 1)
      this.count(counters)
      this.carryBlocks()
    }
  }

  /** Counts decisions by these counters, one a policy. Overrides, of one policy, count as the first. */
  count(counters: readonly PolicyCounters[]): void {
    for (const [i, bucket] of this.buckets.entries()) bucket.counters = counters[i]
    for (const limiter of this.overrides?.limiters() ?? []) limiter.count(counters)
  }

  /** A limiter of other policies for some keys of this one: see `setOverride`. */
  sibling(policies: readonly Policy[]): this {
    const Kind = this.constructor as new (...args: unknown[]) => this
    return new Kind(this.name, policies, this.store, this.#spaces, this.timing)
  }

  /** Counts a key by an override from now on. A block that was set by hand goes on. */
  setOverride(key: string, override: OverrideInForce<this>): void {
    // One that has ended by itself has ended for the address, too.
    this.overrides ??= new Overrides((key, isSourced) => this.unkeyedOf(key)?.endOverride(key, isSourced))
    this.overrides.set(key, override)
    override.limiter?.count(this.buckets.map(({ counters }) => counters as PolicyCounters))
    if (override.limiter !== null) this.handOn(key, override.limiter)
    this.unkeyedOf(key)?.setOverride(key, { ...override, limiter: this.#twinOf(override.limiter) })
  }

  /** Ends the override of a key: that of a call, or that of a source. */
  endOverride(key: string, isSourced: boolean): void {
    this.overrides?.end(key, isSourced)
    if (this.overrides?.size === 0) this.overrides = null
    this.unkeyedOf(key)?.endOverride(key, isSourced)
  }

  lawsOf(key: string): string {
    const limiters = [this, ...(this.overrides?.limiters(key) ?? [])]
    const buckets = [...this.#spaces, ...limiters.flatMap(({ buckets }) => buckets)]
    return JSON.stringify(buckets.map(({ policy }) => lawNumbers(policy)))
  }

  override onLoss(): void {
    super.onLoss()
    for (const limiter of this.overrides?.limiters() ?? []) limiter.onLoss()
    this.#unkeyed?.limiter.onLoss()
  }

  override close(): void {
    super.close()
    for (const limiter of this.overrides?.limiters() ?? []) limiter.close()
    this.#unkeyed?.limiter.close()
  }

  protected also(key: string): readonly this[] {
    const unkeyed = this.unkeyedOf(key)
    return [...(this.overrides?.limiters(key) ?? []), ...(unkeyed === null ? [] : [unkeyed])]
  }

  /** The limiter that counts a key as an address; null where that is this one, or the key is none. */
  protected unkeyedOf(key: string): this | null {
    return this.#unkeyed?.isAddress(key) === true ? this.#unkeyed.limiter : null
  }

  /** What counts an override of addresses; null for no limit. */
  #twinOf(override: this | null): this | null {
    if (override === null) return null
    const { limiter, twins } = this.#unkeyed as Unkeyed<this>
    const twin = twins.get(override) ?? limiter.sibling(override.policies)
    twins.set(override, twin)
    return twin
  }

  /**
   * The space of the policy at a place. Policies that are in force at the same time never share one: their
   * laws may be equal, and one of them a shadow.
   */
  #spaceOf(i: number): Bucket {
    for (let n = this.#spaces.length; n <= i; n++)
      this.#spaces.push(openSpace(this.store, `${this.name} ${n + 1}`))
    return this.#spaces[i]
  }
}

interface Unkeyed<L extends object> {
  readonly limiter: L
  readonly isAddress: (key: string) => boolean
  /** Limiters of overrides in its space, by those in the other. */
  readonly twins: WeakMap<L, L>
}

/** The name of new spaces, a bucket in whose space all policies are, or a bucket for each policy. */
export type Spaces = string | Bucket | readonly Bucket[]

function spaceOf(spaces: Spaces, i: number): string | Bucket {
  return Array.isArray(spaces) ? spaces[i] : (spaces as string | Bucket)
}
