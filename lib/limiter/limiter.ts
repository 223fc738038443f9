import type {
  Bucket,
  Charge,
  Decision,
  Limiter,
  LimiterOptions,
  Period,
  Policy,
  PolicyOptions,
  SyncStore,
  TakeOptions,
} from '../../types/index.js'
import {
  checkCost,
  checkName,
  compilePolicy,
  invalidOption,
  POLICY_OPTIONS,
  refuseUnknown,
} from '../policy/index.js'
import { memoryStore } from '../store/index.js'
import { decide, newCharge } from './charges.js'
import { badKey } from './errors.js'

/** A limiter over a synchronous store. Its charges are made once and used again for each call. */
export class StoreLimiter implements Limiter {
  readonly name: string
  readonly policies: readonly Policy[]
  readonly store: SyncStore
  /** One a policy, in their order. */
  readonly buckets: readonly Bucket[]
  readonly #charges: readonly Charge[]

  constructor(name: string, policies: readonly Policy[], store: SyncStore) {
    this.name = name
    this.policies = policies
    this.store = store
    const { maxKeys } = store.stats()
    if (policies.length > maxKeys)
      throw invalidOption('maxKeys', maxKeys, `at least one a policy: ${policies.length}`)
    this.buckets = policies.map((policy) => store.open(policy))
    this.#charges = this.buckets.map(newCharge)
  }

  take(key: string, options?: TakeOptions): Decision {
    const charges = this.#ask(key, costOf(options))
    this.store.take(charges)
    return decide(charges)
  }

  peek(key: string, options?: TakeOptions): Decision {
    const charges = this.#ask(key, costOf(options))
    this.store.peek(charges)
    return decide(charges)
  }

  refund(key: string, cost?: number): void {
    this.store.refund(this.#ask(key, cost))
  }

  reset(key: string): void {
    this.store.reset(this.#ask(key, 0))
  }

  #ask(key: string, cost = 1): readonly Charge[] {
    if (typeof key !== 'string' || key === '') throw badKey(key)
    if (cost !== 1) checkCost(cost)
    for (const charge of this.#charges) {
      charge.key = key
      charge.cost = cost
      charge.stamp = Number.POSITIVE_INFINITY
    }
    return this.#charges
  }
}

/**
 * A limiter for anything that has keys: bot commands, queue jobs, WebSocket messages, requests of any framework.
 * Without a `store` it gets a `memoryStore()` of its own. Throws `FST_FLOODGATE_OPTION` for options that are not allowed.
 *
 *     const commands = createLimiter({ name: 'commands', algorithm: 'sliding-window', rate: 5, per: 'minute' })
 *     commands.take('slack:U0123456789').allowed
 */
export function createLimiter(options: LimiterOptions, settings: { store?: SyncStore } = {}): Limiter {
  refuseUnknown(options, [...POLICY_OPTIONS, 'policies'], '')
  refuseUnknown(settings, ['store'], 'settings.')
  const { store = memoryStore() } = settings
  checkStore(store)
  const name = checkName(options.name, 'name')
  if (!('policies' in options)) return new StoreLimiter(name, [compilePolicy(options, name)], store)
  refuseUnknown(options, ['name', 'policies'], '')
  const { policies } = options
  if (!Array.isArray(policies)) throw invalidOption('policies', policies, 'a list of one policy or more')
  return new StoreLimiter(name, compilePolicies(policies, name, 'policies'), store)
}

const STORE = ['open', 'take', 'peek', 'refund', 'reset', 'stats'] as const

/** Throws `FST_FLOODGATE_OPTION` for a `store` that a limiter cannot work with. */
export function checkStore(store: SyncStore): void {
  if (STORE.every((verb) => typeof store?.[verb] === 'function')) return
  throw invalidOption('store', store, 'a store, such as memoryStore()')
}

/**
 * Compiles the policies of a limiter and names those that have no name: like the limiter where there is one only, else
 * `<limiter>-<rate>-per-<period>`. `where` is the path of the list in errors.
 */
export function compilePolicies(list: readonly PolicyOptions[], limiter: string, where: string): Policy[] {
  if (list.length === 0) throw invalidOption(where, list, 'a list of one policy or more')
  const names = new Set<string>()
  return list.map((options, i) => {
    const compiled = compilePolicy(options, limiter, `${where}[${i}].`)
    const name = options.name ?? (list.length === 1 ? limiter : spell(limiter, compiled, options.per))
    checkName(name, `${where}[${i}].name`)
    if (names.has(name))
      throw invalidOption(`${where}[${i}].name`, name, 'a name that no other policy of the limiter has')
    names.add(name)
    return { ...compiled, name }
  })
}

function spell(limiter: string, { rate }: Policy, per: Period = 'minute'): string {
  return `${limiter}-${rate}-per-${typeof per === 'number' ? `${per}ms` : per.replaceAll(' ', '')}`
}

/** The cost of a call. A number where the options belong would be a cost that goes uncharged, so it is refused. */
function costOf(options: TakeOptions | undefined): number | undefined {
  if (options === undefined) return undefined
  refuseUnknown(options, ['cost'], 'options.')
  return options.cost
}
