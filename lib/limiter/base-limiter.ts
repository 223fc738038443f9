import type {
  Bucket,
  Charge,
  Decision,
  LimiterStats,
  Policy,
  Store,
  TakeOptions,
  WaitOptions,
} from '../../types/index.js'
import { type PolicyCounters, statsOf } from '../observe/index.js'
import { checkCost, invalidOption, ownOptions, refuseUnknown } from '../policy/index.js'
import { newCharge } from '../store/index.js'
import { unlimited } from './charges.js'
import { badKey } from './errors.js'
import { KeptBlocks, settle } from './kept-blocks.js'
import { type Override, Overrides } from './overrides.js'
import { Runner, type Timing } from './runner.js'
import { checkRoom, openSpace } from './spaces.js'

/** Milliseconds within which processes hear of each other. */
const UNKNOWN = 2000

/** What limiters of both kinds have in common: their buckets, and what they do over time. */
export abstract class BaseLimiter<S extends Store> {
  readonly name: string
  readonly store: S
  policies: readonly Policy[]
  buckets: readonly Bucket[]
  /** Whether any of its policies is a shadow, for some keys at least. */
  hasShadows: boolean
  /** Null where there are none, so that nothing is looked up. */
  overrides: Overrides<this> | null = null
  /** The buckets that were opened first: laws that come later share their spaces. */
  readonly #spaces: Bucket[]
  readonly #timing: Timing
  /** Made when it is needed: an app may have thousands of limiters that hold and run nothing. */
  #runner: Runner | null = null
  /** The same holds for blocks that were set by hand. */
  #blocks: KeptBlocks | null = null

  constructor(name: string, policies: readonly Policy[], store: S, spaces: Spaces, timing: Timing) {
    this.name = name
    this.store = store
    this.policies = policies
    this.hasShadows = policies.some(({ enforce }) => enforce < 1)
    this.#timing = timing
    checkRoom(store, policies)
    this.buckets = policies.map((policy, i) => store.open(policy, spaceOf(spaces, i)))
    this.#spaces = Array.isArray(spaces) ? spaces : [...this.buckets]
  }

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
    if (limiter === null) return unlimited(this.policies[0])
    return limiter.runner().wait(ask(limiter.newCharges(), key, cost), signal)
  }

  async run<T>(key: string, task: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T> {
    if (typeof task !== 'function') throw invalidOption('task', task, 'a function')
    const { cost, signal } = readWait(options)
    const limiter = this.of(key)
    if (limiter === null) return task()
    return limiter.runner().run(ask(limiter.newCharges(), key, cost), task, signal)
  }

  /** What counts a key: this limiter, or that of its override; null where the key has no limit. */
  of(key: string): this | null {
    if (this.overrides === null) return this
    const override = this.overrides.get(key)
    if (override === undefined) return this
    override.used++
    return override.limiter
  }

  /** What `peekEach` asks of a key. It looks no override up, as calls do. None where the key has no limit. */
  protected chargesOf(key: string): readonly Charge[] {
    checkKey(key)
    const override = this.overrides?.get(key)
    const limiter = override === undefined ? this : override.limiter
    return limiter === null ? [] : ask(limiter.newCharges(), key)
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
      this.forgetCharges()
      this.#blocks?.note()
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
    return new Kind(this.name, policies, this.store, this.#spaces, this.#timing)
  }

  /** Counts a key by an override from now on. A block that was set by hand goes on. */
  setOverride(key: string, override: Override<this>): void {
    this.overrides ??= new Overrides()
    this.overrides.set(key, override)
    override.limiter?.count(this.buckets.map(({ counters }) => counters as PolicyCounters))
    const ms = this.#blocks?.left(key) ?? 0
    if (ms === 0) return
    this.#blocks?.note()
    override.limiter?.blockAgain(key, ms)
  }

  /** Ends the override of a key: that of a call, or that of a source. */
  endOverride(key: string, isSourced: boolean): void {
    this.overrides?.end(key, isSourced)
    if (this.overrides?.size === 0) this.overrides = null
  }

  /** Another process blocked a key in the store for so many ms. */
  hearBlock(key: string, ms: number): void {
    this.keepBlock(key, ms)
    for (const limiter of this.overriding(key)) limiter.keepBlock(key, ms)
  }

  /**
   * Another process reset a key in the store so many ms ago. Where one of the two did not know of the other's
   * law or reset, and this one has blocked the key again, it is reset here, too.
   */
  hearReset(key: string, age: number): void {
    const limiters = [this, ...this.overriding(key)]
    if (this.#blocks?.delete(key) && this.#blocks.notedWithin(age + UNKNOWN))
      for (const limiter of limiters) settle(this.store.reset(ask(limiter.newCharges(), key, 0)))
    for (const limiter of limiters) limiter.dropBlock(key)
  }

  /** Blocks a key as it was blocked before, in the laws that are in force now. */
  protected blockAgain(key: string, ms: number): void {
    // A store that does not answer has its limits of this process blocked.
    settle(this.store.block(ask(this.newCharges(), key, 0), ms))
  }

  protected keepBlock(key: string, ms: number): void {
    this.#blocks ??= new KeptBlocks()
    this.#blocks.set(key, ms)
  }

  protected dropBlock(key: string): void {
    this.#blocks?.delete(key)
  }

  /** The limiters of the overrides of a key. */
  protected overriding(key: string): readonly this[] {
    return this.overrides === null ? [] : [...this.overrides.limiters(key)]
  }

  /** Forgets charges that were kept to be used again: the buckets are others. */
  protected abstract forgetCharges(): void

  protected newCharges(): readonly Charge[] {
    return this.buckets.map(newCharge)
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

  protected runner(): Runner {
    this.#runner ??= new Runner(this.name, this.store, this.#timing)
    return this.#runner
  }
}

/** The name of new spaces, a bucket in whose space all policies are, or a bucket for each policy. */
export type Spaces = string | Bucket | readonly Bucket[]

function spaceOf(spaces: Spaces, i: number): string | Bucket {
  return Array.isArray(spaces) ? spaces[i] : (spaces as string | Bucket)
}

/** Writes the question into charges. Throws for a key or a cost that is not allowed. */
export function ask(charges: readonly Charge[], key: string, cost = 1): readonly Charge[] {
  checkKey(key)
  if (cost !== 1) checkCost(cost)
  for (const charge of charges) {
    charge.key = key
    charge.cost = cost
    charge.chargedAt = Number.POSITIVE_INFINITY
    charge.first = false
  }
  return charges
}

export function checkKey(key: unknown): void {
  if (typeof key !== 'string' || key === '') throw badKey(key)
}

/** The cost of a call. Refuses a number in place of the options: it would be a cost that is not charged. */
export function costOf(options: TakeOptions | undefined): number | undefined {
  if (options === undefined) return undefined
  refuseUnknown(options, ['cost'], 'options.')
  return Object.hasOwn(options, 'cost') ? options.cost : undefined
}

function readWait(options: WaitOptions | undefined): WaitOptions {
  if (options === undefined) return {}
  const { cost, signal } = ownOptions(options, ['cost', 'signal'], 'options.')
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidOption('options.signal', signal, 'an AbortSignal')
  return { cost, signal }
}
