import type { onRequestHookHandler } from 'fastify'
import type { AnyPolicy, Limiter, LimiterName, RateLimitRegistry, RoutePolicy } from '../../types/index.js'
import { compilePolicies, type Registry } from '../limiter/index.js'
import {
  checkCost,
  checkName,
  compilePolicy,
  invalidOption,
  POLICY_OPTIONS,
  refuseUnknown,
} from '../policy/index.js'
import type { Strategies, Strategy } from './keys.js'
import { type Done, type Point, RequestLimiter, Stage, type StageContext } from './stage.js'
import { isAllowed } from './visit.js'

const ROUTE_OPTIONS = [...POLICY_OPTIONS, 'key', 'cost', 'hook']
const HOOKS = ['preValidation', 'preHandler']

/** The limiters of one registration, with what requests need to know of each. */
export class RequestRegistry implements RateLimitRegistry {
  readonly #registry: Registry
  readonly #limiters = new Map<string, RequestLimiter>()
  readonly #strategies: Strategies
  readonly #defaults: RoutePolicy
  readonly #context: StageContext

  /** `defaults` is what policies inherit that do not say otherwise: the default limiter, as the user wrote it. */
  constructor(registry: Registry, strategies: Strategies, defaults: RoutePolicy, context: StageContext) {
    this.#registry = registry
    this.#strategies = strategies
    this.#defaults = defaults
    this.#context = context
  }

  define(name: string, policies: AnyPolicy): Limiter {
    return this.add(checkName(name, 'name'), policies, `limiters.${name}`).limiter
  }

  get(name: LimiterName): Limiter {
    return this.#registry.get(name)
  }

  has(name: string): boolean {
    return this.#registry.has(name)
  }

  [Symbol.iterator](): Iterator<Limiter> {
    return this.#registry[Symbol.iterator]()
  }

  hook(limiter: LimiterName | RoutePolicy): onRequestHookHandler {
    const member = typeof limiter === 'string' ? this.find(limiter) : this.addUnnamed('hook', limiter, 'hook')
    const stage = new Stage([member], 'hook', this.#context)
    return function limit(request, reply, done: Done) {
      if (isAllowed(request)) done()
      else stage.run(request, reply, done)
    }
  }

  /** The limiter of that name as requests meet it; throws `FST_FLOODGATE_UNKNOWN_LIMITER`. */
  find(name: string): RequestLimiter {
    this.#registry.get(name)
    return this.#limiters.get(name) as RequestLimiter
  }

  /** Adds a limiter under `name`; `where` is the path of its options in errors. */
  add(
    name: string,
    policies: AnyPolicy,
    where: string,
    defaults: RoutePolicy = this.#defaults,
  ): RequestLimiter {
    const list = Array.isArray(policies) ? (policies as readonly RoutePolicy[]) : [policies as RoutePolicy]
    const dot = where === '' ? '' : `${where}.`
    for (const options of list) {
      if (typeof options !== 'object' || options === null)
        throw invalidOption(where, options, 'a policy: an object')
      refuseUnknown(options, ROUTE_OPTIONS, dot)
    }
    const strategy = this.#strategies.resolve(only(list, 'key', where) ?? defaults.key ?? 'ip', `${dot}key`)
    const cost = checkCostOption(only(list, 'cost', where) ?? 1, `${dot}cost`)
    const hook = only(list, 'hook', where)
    if (hook !== undefined && !HOOKS.includes(hook))
      throw invalidOption(`${dot}hook`, hook, HOOKS.join(' or '))
    const inherited = list.map((options) => inherit(options, defaults))
    const compiled = Array.isArray(policies)
      ? compilePolicies(inherited, name, where)
      : [compilePolicy(inherited[0], name, dot)]
    const limiter = new RequestLimiter(this.#registry.add(name, compiled), strategy, cost, hook)
    this.#limiters.set(name, limiter)
    return limiter
  }

  /** Adds a limiter that nobody named, such as a route's own, under `name` or what is free next to it. */
  addUnnamed(name: string, policy: RoutePolicy, where: string): RequestLimiter {
    const base = name.slice(0, 120)
    let free = base
    for (let n = 2; this.has(free); n++) free = `${base} #${n}`
    return this.add(free, policy, where)
  }

  /** The stages of some limiters that are all or nothing, by their place in the lifecycle. */
  stages(members: readonly RequestLimiter[], everyPoint?: Point): Partial<Record<Point, Stage>> {
    const stages: Partial<Record<Point, Stage>> = {}
    for (const member of members) {
      const point = everyPoint ?? member.point
      stages[point] = new Stage([...(stages[point]?.members ?? []), member], 'route', this.#context)
    }
    return stages
  }

  get ip(): Strategy {
    return this.#strategies.ip
  }
}

/** What a policy leaves out comes from the default limiter: its burst only where both are token buckets. */
function inherit({ key, cost, hook, ...own }: RoutePolicy, defaults: RoutePolicy): RoutePolicy {
  const algorithm = own.algorithm ?? defaults.algorithm
  const burst = own.burst ?? (algorithm === 'sliding-window' ? undefined : defaults.burst)
  return { ...own, algorithm, rate: own.rate ?? defaults.rate, per: own.per ?? defaults.per, burst }
}

/** The one value that a list of policies gives to what belongs to their limiter. */
function only<K extends 'key' | 'cost' | 'hook'>(
  list: readonly RoutePolicy[],
  option: K,
  where: string,
): RoutePolicy[K] {
  const given = new Set(list.map((policy) => policy[option]).filter((value) => value !== undefined))
  if (given.size > 1)
    throw invalidOption(`${where}[].${option}`, [...given], 'one for all policies of a limiter')
  return [...given][0]
}

function checkCostOption(cost: RoutePolicy['cost'], option: string): NonNullable<RoutePolicy['cost']> {
  if (typeof cost === 'function') return cost
  try {
    return checkCost(cost)
  } catch {
    throw invalidOption(option, cost, 'an integer of 0 or more, or a function of the request')
  }
}
