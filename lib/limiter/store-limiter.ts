import type {
  AsyncLimiter,
  AsyncStore,
  Bucket,
  Charge,
  Decision,
  Limiter,
  Policy,
  Store,
  SyncStore,
  TakeOptions,
} from '../../types/index.js'
import { checkCost, invalidOption, refuseUnknown } from '../policy/index.js'
import { newCharge } from '../store/index.js'
import { decide } from './charges.js'
import { badKey } from './errors.js'
import { takeAll } from './take.js'

/** A limiter of either kind, with one bucket for each policy, in their order. */
export type StoreLimiter = SyncStoreLimiter | AsyncStoreLimiter

/**
 * Returns a limiter over a store. `space` names its keys where processes share them. Default: the limiter's
 * name.
 */
export function limiterOver(
  name: string,
  policies: readonly Policy[],
  store: Store,
  space = name,
): StoreLimiter {
  return store.sync
    ? new SyncStoreLimiter(name, policies, store, space)
    : new AsyncStoreLimiter(name, policies, store, space)
}

/** A limiter over a store that answers at once. Each call uses the same charges again. */
export class SyncStoreLimiter implements Limiter {
  readonly sync = true
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: SyncStore
  readonly buckets: readonly Bucket[]
  readonly #charges: readonly Charge[]

  constructor(name: string, policies: readonly Policy[], store: SyncStore, space: string) {
    this.name = name
    this.policies = policies
    this.store = store
    const { maxKeys } = store.stats()
    if (policies.length > maxKeys)
      throw invalidOption('maxKeys', maxKeys, `at least one a policy: ${policies.length}`)
    this.buckets = policies.map((policy) => store.open(policy, space))
    this.#charges = this.buckets.map(newCharge)
  }

  take(key: string, options?: TakeOptions): Decision {
    const charges = ask(this.#charges, key, costOf(options))
    takeAll(this.store, charges)
    return decide(charges)
  }

  peek(key: string, options?: TakeOptions): Decision {
    const charges = ask(this.#charges, key, costOf(options))
    this.store.peek(charges)
    return decide(charges)
  }

  refund(key: string, cost?: number): void {
    this.store.refund(ask(this.#charges, key, cost))
  }

  reset(key: string): void {
    this.store.reset(ask(this.#charges, key, 0))
  }
}

/** A limiter over a store that is asked over a network. Each call in progress has charges of its own. */
export class AsyncStoreLimiter implements AsyncLimiter {
  readonly sync = false
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: AsyncStore
  readonly buckets: readonly Bucket[]
  /** Charges that no call uses, for the next call. */
  #spare: readonly Charge[] | null = null

  constructor(name: string, policies: readonly Policy[], store: AsyncStore, space: string) {
    this.name = name
    this.policies = policies
    this.store = store
    this.buckets = policies.map((policy) => store.open(policy, space))
  }

  async take(key: string, options?: TakeOptions): Promise<Decision> {
    const charges = this.#ask(key, costOf(options))
    const answer = takeAll(this.store, charges)
    // An answer at once needs no turn of the queue, and the next call may use its charges.
    if (typeof answer === 'boolean') this.#spare = charges
    else await answer
    return decide(charges)
  }

  async peek(key: string, options?: TakeOptions): Promise<Decision> {
    const charges = this.#ask(key, costOf(options))
    await this.store.peek(charges)
    return decide(charges)
  }

  async refund(key: string, cost?: number): Promise<void> {
    await this.store.refund(this.#ask(key, cost))
  }

  async reset(key: string): Promise<void> {
    await this.store.reset(this.#ask(key, 0))
  }

  storeKey(key: string, policy = this.policies[0].name): string {
    checkKey(key)
    const bucket = this.buckets.find((bucket) => bucket.policy.name === policy)
    const known = this.policies.map(({ name }) => name)
    if (bucket === undefined) throw invalidOption('policy', policy, known.join(', '), known)
    return this.store.storeKey(bucket, key)
  }

  #ask(key: string, cost?: number): readonly Charge[] {
    const charges = this.#spare ?? this.buckets.map(newCharge)
    this.#spare = null
    return ask(charges, key, cost)
  }
}

function ask(charges: readonly Charge[], key: string, cost = 1): readonly Charge[] {
  checkKey(key)
  if (cost !== 1) checkCost(cost)
  for (const charge of charges) {
    charge.key = key
    charge.cost = cost
    charge.chargedAt = Number.POSITIVE_INFINITY
  }
  return charges
}

function checkKey(key: unknown): void {
  if (typeof key !== 'string' || key === '') throw badKey(key)
}

/** The cost of a call. Refuses a number in place of the options: it would be a cost that is not charged. */
function costOf(options: TakeOptions | undefined): number | undefined {
  if (options === undefined) return undefined
  refuseUnknown(options, ['cost'], 'options.')
  return Object.hasOwn(options, 'cost') ? options.cost : undefined
}
