import type {
  AsyncLimiter,
  AsyncStore,
  Bucket,
  Charge,
  Decision,
  Limiter,
  Period,
  Policy,
  Store,
  SyncStore,
  TakeOptions,
} from '../../types/index.js'
import { PolicyCounters } from '../observe/index.js'
import { invalidOption, parsePeriod } from '../policy/index.js'
import { checkKey, costOf } from './ask.js'
import { BaseLimiter } from './base-limiter.js'
import { decide, decideEach, decideEnforced, tighterOf } from './charges.js'
import type { Timing } from './runner.js'
import { apart, takeApart } from './shadows.js'
import { takeAll } from './take.js'

/** A limiter of either kind, with one bucket for each policy, in their order. */
export type StoreLimiter = SyncStoreLimiter | AsyncStoreLimiter

/**
 * Returns a limiter over a store. `space` names its keys where processes share them, or is a bucket whose
 * space its laws share. Default: the limiter's name. `counters`: those of each policy. Default: new ones.
 */
export function limiterOver(
  name: string,
  policies: readonly Policy[],
  store: Store,
  space: string | Bucket = name,
  counters = policies.map((policy) => new PolicyCounters(name, policy)),
  timing: Timing = {},
): StoreLimiter {
  const limiter = store.sync
    ? new SyncStoreLimiter(name, policies, store, space, timing)
    : new AsyncStoreLimiter(name, policies, store, space, timing)
  limiter.count(counters)
  return limiter
}

/** A limiter over a store that answers at once. */
export class SyncStoreLimiter extends BaseLimiter<SyncStore> implements Limiter {
  readonly sync = true

  take(key: string, options?: TakeOptions): Decision {
    const limiter = this.of(key)
    if (limiter === null) return this.noLimit(key, costOf(options))
    if (limiter !== this) return limiter.take(key, options)
    const charges = this.borrow(key, costOf(options))
    const decision = this.hasShadows ? takeApart(this.store, charges) : this.#take(charges)
    this.giveBack(charges)
    return decision
  }

  peek(key: string, options?: TakeOptions): Decision {
    const limiter = this.of(key)
    if (limiter === null) return this.noLimit(key, costOf(options))
    if (limiter !== this) return limiter.peek(key, options)
    const charges = this.borrow(key, costOf(options))
    const enforced = this.hasShadows ? apart(charges).enforced : charges
    if (enforced.length > 0) this.store.peek(enforced)
    const decision = decideEnforced(enforced, charges)
    this.giveBack(charges)
    return decision
  }

  peekEach(key: string): Decision[] {
    const [charges, unkeyed] = this.chargesOf(key)
    if (charges.length > 0) this.store.peek([...charges, ...unkeyed])
    return decideEach(tighterOf(charges, unkeyed))
  }

  refund(key: string, cost?: number): void {
    const limiter = this.of(key)
    if (limiter === null) this.noLimit(key, cost)
    else if (limiter !== this) limiter.refund(key, cost)
    else this.store.refund(this.borrow(key, cost))
  }

  reset(key: string): void {
    this.store.reset(this.borrow(key, 0))
    this.dropBlock(key)
    for (const limiter of this.also(key)) limiter.reset(key)
  }

  block(key: string, period: Period): void {
    const ms = parsePeriod(period, 'period') / 1000
    this.store.block(this.borrow(key, 0), ms)
    this.keepBlock(key, ms)
    for (const limiter of this.also(key)) limiter.block(key, period)
  }

  #take(charges: readonly Charge[]): Decision {
    takeAll(this.store, charges)
    return decide(charges)
  }
}

/** A limiter over a store that is asked over a network. Each call in progress has charges of its own. */
export class AsyncStoreLimiter extends BaseLimiter<AsyncStore> implements AsyncLimiter {
  readonly sync = false
  async take(key: string, options?: TakeOptions): Promise<Decision> {
    const limiter = this.of(key)
    if (limiter === null) return this.noLimit(key, costOf(options))
    if (limiter !== this) return limiter.take(key, options)
    const charges = this.borrow(key, costOf(options))
    if (this.hasShadows) return takeApart(this.store, charges)
    const answer = takeAll(this.store, charges)
    // An answer at once needs no turn of the queue, and the next call may use its charges.
    if (typeof answer === 'boolean') {
      const decision = decide(charges)
      this.giveBack(charges)
      return decision
    }
    await answer
    return decide(charges)
  }

  async peek(key: string, options?: TakeOptions): Promise<Decision> {
    const limiter = this.of(key)
    if (limiter === null) return this.noLimit(key, costOf(options))
    if (limiter !== this) return limiter.peek(key, options)
    const charges = this.borrow(key, costOf(options))
    const enforced = this.hasShadows ? apart(charges).enforced : charges
    if (enforced.length > 0) await this.store.peek(enforced)
    return decideEnforced(enforced, charges)
  }

  async peekEach(key: string): Promise<Decision[]> {
    const [charges, unkeyed] = this.chargesOf(key)
    if (charges.length > 0) await this.store.peek([...charges, ...unkeyed])
    return decideEach(tighterOf(charges, unkeyed))
  }

  async refund(key: string, cost?: number): Promise<void> {
    const limiter = this.of(key)
    if (limiter === null) this.noLimit(key, cost)
    else if (limiter !== this) await limiter.refund(key, cost)
    else await this.store.refund(this.borrow(key, cost))
  }

  async reset(key: string): Promise<void> {
    const { buckets } = this
    const also = this.also(key)
    const own = this.store.reset(this.borrow(key, 0))
    await Promise.all([own, ...also.map((limiter) => limiter.reset(key))])
    this.dropBlock(key)
    // The laws and the overrides that came meanwhile have the block.
    if (buckets !== this.buckets) await this.store.reset(this.borrow(key, 0))
    await Promise.all(this.#since(also, key).map((limiter) => limiter.reset(key)))
  }

  async block(key: string, period: Period): Promise<void> {
    const ms = parsePeriod(period, 'period') / 1000
    const { buckets } = this
    const also = this.also(key)
    const own = this.store.block(this.borrow(key, 0), ms)
    await Promise.all([own, ...also.map((limiter) => limiter.block(key, period))])
    this.keepBlock(key, ms)
    // The laws and the overrides that came meanwhile do not have it.
    if (buckets !== this.buckets) await this.store.block(this.borrow(key, 0), ms)
    await Promise.all(this.#since(also, key).map((limiter) => limiter.block(key, period)))
  }

  /** Limiters for which what is said of a key holds, too, and did not hold before. */
  #since(before: readonly this[], key: string): readonly this[] {
    return this.also(key).filter((limiter) => !before.includes(limiter))
  }

  storeKey(key: string, policy?: string): string {
    checkKey(key)
    const { policies, buckets } = this.overrides?.get(key)?.limiter ?? this
    const name = policy ?? policies[0].name
    const bucket = buckets.find((bucket) => bucket.policy.name === name)
    const known = policies.map(({ name }) => name)
    if (bucket === undefined) throw invalidOption('policy', name, known.join(', '), known)
    return this.store.storeKey(bucket, key)
  }
}
