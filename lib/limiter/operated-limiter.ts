import type { Bucket, Charge, Policy, Store } from '../../types/index.js'
import type { PolicyCounters } from '../observe/index.js'
import { lawNumbers } from '../policy/index.js'
import { newCharge } from '../store/index.js'
import { ask, checkKey } from './ask.js'
import { wrongAddress } from './errors.js'
import { clockOf, KeptBlocks } from './kept-blocks.js'
import { LateBlocks } from './late-blocks.js'
import { type OverrideInForce, Overrides } from './overrides.js'
import type { Timing } from './runner.js'
import { checkRoom, openSpace } from './spaces.js'

/** Milliseconds within which processes hear of each other. */
const UNKNOWN = 2000

/** What operators change of a limiter while it runs: its policies, and what holds for some of its keys. */
export abstract class OperatedLimiter<S extends Store> {
  readonly name: string
  readonly store: S
  policies: readonly Policy[]
  buckets: readonly Bucket[]
  /** Whether any of its policies is a shadow, for some keys at least. */
  hasShadows: boolean
  /** Null where there are none, so that nothing is looked up. */
  overrides: Overrides<this> | null = null
  protected readonly timing: Timing
  /** The buckets that were opened first: laws that come later share their spaces. */
  readonly #spaces: Bucket[]
  /** Made when it is needed, as an app may have thousands of limiters: blocks that were set by hand. */
  #blocks: KeptBlocks | null = null
  #late: LateBlocks | null = null
  #unkeyed: Unkeyed<this> | null = null
  #correct: (key: string) => string | null = () => null

  constructor(name: string, policies: readonly Policy[], store: S, spaces: Spaces, timing: Timing) {
    this.name = name
    this.store = store
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
      for (const [key, ms] of this.#blocks ?? []) this.blockAgain(key, ms)
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
    this.overrides ??= new Overrides()
    this.overrides.set(key, override)
    override.limiter?.count(this.buckets.map(({ counters }) => counters as PolicyCounters))
    const ms = this.#blocks?.left(key) ?? 0
    if (ms > 0) override.limiter?.blockToo(key, ms)
    this.unkeyedOf(key)?.setOverride(key, { ...override, limiter: this.#twinOf(override.limiter) })
  }

  /** Ends the override of a key: that of a call, or that of a source. */
  endOverride(key: string, isSourced: boolean): void {
    this.overrides?.end(key, isSourced)
    if (this.overrides?.size === 0) this.overrides = null
    this.unkeyedOf(key)?.endOverride(key, isSourced)
  }

  /**
   * The laws that count a key, and those in whose spaces they are, as a text: the same in all processes that
   * count the key as one.
   */
  lawsOf(key: string): string {
    const limiters = [this, ...(this.overrides?.limiters(key) ?? [])]
    const buckets = [...this.#spaces, ...limiters.flatMap(({ buckets }) => buckets)]
    return JSON.stringify(buckets.map(({ policy }) => lawNumbers(policy)))
  }

  /** Another process blocked a key for so many ms, in the store and under `laws`. */
  hearBlock(key: string, ms: number, laws: string): void {
    this.#hearBlock(key, ms, laws !== this.lawsOf(key))
  }

  #hearBlock(key: string, ms: number, isOther: boolean): void {
    if (isOther) this.blockToo(key, ms)
    else this.keepBlock(key, ms)
    for (const limiter of this.also(key)) limiter.#hearBlock(key, ms, isOther)
  }

  /**
   * Another process reset a key so many ms ago, in the store and under `laws`. Where they are others here, or
   * this process has blocked the key again because it did not know, the key is reset here, too.
   */
  hearReset(key: string, age: number, laws: string): void {
    this.#hearReset(key, age, laws !== this.lawsOf(key))
  }

  #hearReset(key: string, age: number, isOther: boolean): void {
    const wasBlocked = this.#blocks?.delete(key) === true
    const isHere = isOther || (wasBlocked && this.#blocks?.notedWithin(age + UNKNOWN) === true)
    // A store that does not answer loses it.
    if (isHere) this.store.reset(ask(this.newCharges(), key, 0))?.catch(() => {})
    for (const limiter of this.also(key)) limiter.#hearReset(key, age, isHere)
  }

  /** The store has lost what it had: blocks that were set by hand begin again. */
  onLoss(): void {
    for (const [key, ms] of this.#blocks ?? []) this.blockAgain(key, ms)
    for (const limiter of this.overrides?.limiters() ?? []) limiter.onLoss()
    this.#unkeyed?.limiter.onLoss()
  }

  /** Ends what goes on by itself. */
  close(): void {
    this.#late?.close()
    for (const limiter of this.overrides?.limiters() ?? []) limiter.close()
    this.#unkeyed?.limiter.close()
  }

  /** Blocks a key that is blocked in other laws. */
  protected blockToo(key: string, ms: number): void {
    this.keepBlock(key, ms)
    this.blockAgain(key, ms)
  }

  /** Blocks a key as it was blocked before, in the laws that are in force now. */
  protected blockAgain(key: string, ms: number): void {
    const blocks = this.#blocks as KeptBlocks
    blocks.note()
    // A store that does not answer has its limits of this process blocked meanwhile.
    this.store.block(ask(this.newCharges(), key, 0), ms)?.catch(() => this.#blockLater(key, blocks))
  }

  #blockLater(key: string, blocks: KeptBlocks): void {
    this.#late ??= new LateBlocks((key) => {
      const ms = blocks.left(key)
      if (ms > 0) this.blockAgain(key, ms)
    })
    this.#late.add(key)
  }

  protected keepBlock(key: string, ms: number): void {
    this.#blocks ??= new KeptBlocks(clockOf(this.store))
    this.#blocks.set(key, ms)
  }

  protected dropBlock(key: string): void {
    this.#blocks?.delete(key)
  }

  /** Limiters for which what is said of a key holds, too: those of its overrides, and that of its address. */
  protected also(key: string): readonly this[] {
    const unkeyed = this.unkeyedOf(key)
    return [...(this.overrides?.limiters(key) ?? []), ...(unkeyed === null ? [] : [unkeyed])]
  }

  protected newCharges(): readonly Charge[] {
    return this.buckets.map(newCharge)
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
