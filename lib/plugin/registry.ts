import type { onRequestHookHandler } from 'fastify'
import type { AnyLimiter, AnyPolicy, HookName, LimiterName, RoutePolicy } from '../../types/index.js'
import { compilePolicies, type Registry, unknownLimiter } from '../limiter/index.js'
import { checkName, compilePolicy, invalidOption, ownOptions, POLICY_OPTIONS, show } from '../policy/index.js'
import type { Strategies, Strategy } from './config/keys.js'
import { lateHook } from './errors.js'
import { type Done, HOOKS, RequestLimiter, Stage, type StageContext } from './lifecycle/stage.js'
import { prepareHeaders } from './reply/headers.js'

export const ROUTE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'key', 'cost', 'hook']
/** Names of limiters that have options of their own. */
const RESERVED = ['default', 'guard']

/** What policies inherit that do not say otherwise: the default limiter, as far as the user described it. */
export type Defaults = RoutePolicy & {
  /** The period as the code has it, where the environment says another. */
  readonly codePer?: RoutePolicy['per']
}

/** The limiters of one registration, with what requests need to know of each. */
export class RequestRegistry implements Iterable<AnyLimiter> {
  readonly #registry: Registry
  /** What configs, functions and `hook()` may name: the default limiter and what the user defined. */
  readonly #named = new Map<string, RequestLimiter>()
  /** What the user defined and nobody has asked for. */
  readonly #unused = new Set<string>()
  readonly #strategies: Strategies
  readonly #defaults: Defaults
  readonly #context: StageContext
  #sealed = false

  constructor(registry: Registry, strategies: Strategies, defaults: Defaults, context: StageContext) {
    this.#registry = registry
    this.#strategies = strategies
    this.#defaults = defaults
    this.#context = context
  }

  define(name: string, policies: AnyPolicy): AnyLimiter {
    checkName(name, 'name')
    if (RESERVED.includes(name))
      throw invalidOption(`limiters.${name}`, name, `names other than ${RESERVED.join(' and ')}`)
    const { limiter } = this.addNamed(name, policies, `limiters.${name}`)
    this.#unused.add(name)
    return limiter
  }

  get(name: LimiterName): AnyLimiter {
    this.#unused.delete(name)
    return this.#registry.get(name)
  }

  has(name: string): boolean {
    return this.#registry.has(name)
  }

  [Symbol.iterator](): Iterator<AnyLimiter> {
    return this.#registry[Symbol.iterator]()
  }

  /** The app is ready: from now on a policy given to `hook()` would make a limiter for each request. */
  seal(): void {
    this.#sealed = true
  }

  hook(limiter: LimiterName | RoutePolicy): onRequestHookHandler {
    if (typeof limiter === 'object' && limiter !== null) {
      if (this.#sealed) throw lateHook()
      if (Object.hasOwn(limiter, 'hook') && limiter.hook !== undefined)
        throw invalidOption('hook.hook', limiter.hook, 'none: the handler runs where you put it')
    }
    const member = typeof limiter === 'string' ? this.find(limiter) : this.addUnnamed('hook', limiter, 'hook')
    const stage = new Stage([member], 'hook', this.#context)
    const { excuses } = this.#context
    return function limit(request, reply, done: Done) {
      if (excuses(request)) done()
      else stage.run(request, reply, done)
    }
  }

  /** The limiter of that name, as requests meet it. Throws `FST_FLOODGATE_UNKNOWN_LIMITER`, with `where` it is named. */
  find(name: unknown, where = ''): RequestLimiter {
    const limiter = this.named(name)
    if (limiter === undefined) throw unknownLimiter(name, [...this.#named.keys()], where)
    return limiter
  }

  /** The same, or undefined. Nobody can choose the guard, or a limiter that a route or `hook()` describes. */
  named(name: unknown): RequestLimiter | undefined {
    this.#unused.delete(name as string)
    return this.#named.get(name as string)
  }

  /** Names of limiters that were defined and that no route, `hook()` or `get()` has named. */
  get unused(): Iterable<string> {
    return this.#unused
  }

  /** Adds a limiter that can be named; `where` is the path of its options in errors. */
  addNamed(name: string, policies: AnyPolicy, where: string, defaults?: Defaults): RequestLimiter {
    const limiter = this.add(name, policies, where, defaults)
    this.#named.set(name, limiter)
    return limiter
  }

  /** Adds a limiter under `name`; `where` is the path of its options in errors. */
  add(name: string, policies: AnyPolicy, where: string, defaults: Defaults = this.#defaults): RequestLimiter {
    const given = Array.isArray(policies) ? (policies as readonly RoutePolicy[]) : [policies as RoutePolicy]
    const dot = where === '' ? '' : `${where}.`
    const list = given.map((options, i) => {
      const path = Array.isArray(policies) ? `${where}[${i}]` : where
      if (typeof options !== 'object' || options === null)
        throw invalidOption(path, options, 'a policy: an object')
      return ownOptions(options, ROUTE_OPTIONS, path === '' ? '' : `${path}.`)
    })
    const own = only(list, where)
    const { key = defaults.key ?? 'ip', cost = defaults.cost ?? 1 } = own
    // Where to decide goes with whom to count.
    const { hook = own.key === undefined ? defaults.hook : undefined } = own
    const strategy = this.#strategies.resolve(key, `${dot}key`, name)
    checkCostOption(cost, `${dot}cost`)
    if (hook !== undefined) checkHook(hook, `${dot}hook`)
    const inherited = list.map((options) => inherit(options, defaults))
    const compiled = Array.isArray(policies)
      ? compilePolicies(inherited, name, where)
      : [compilePolicy(inherited[0], name, dot)]
    prepareHeaders(compiled)
    return new RequestLimiter(this.#registry.add(name, compiled), strategy, cost, hook)
  }

  /** Adds a limiter that nobody named, such as a route's own, under `name` or what is free next to it. */
  addUnnamed(name: string, policy: RoutePolicy, where: string): RequestLimiter {
    const base = name.slice(0, 120)
    let free = base
    for (let n = 2; this.has(free); n++) free = `${base} #${n}`
    return this.add(free, policy, where)
  }

  /** Limiters of a route that decide together. */
  stage(members: readonly RequestLimiter[]): Stage {
    return new Stage(members, 'route', this.#context)
  }

  get ip(): Strategy {
    return this.#strategies.ip
  }
}

/**
 * What a policy leaves out comes from the default limiter. A rate of its own is per the period that the code says, and is
 * not loosened by an inherited burst, which only a token bucket has.
 */
function inherit(options: RoutePolicy, defaults: Defaults): RoutePolicy {
  const { algorithm = defaults.algorithm, rate = defaults.rate } = options
  const { per = options.rate === undefined ? defaults.per : defaults.codePer } = options
  const {
    burst = algorithm === 'sliding-window' ? undefined : inheritedBurst(defaults.burst, options.rate),
  } = options
  const { key, cost, hook, ...own } = options
  return { ...own, algorithm, rate, per, burst }
}

function inheritedBurst(burst: number | undefined, rate: number | undefined): number | undefined {
  return burst === undefined || rate === undefined ? burst : Math.min(burst, rate)
}

/** What a list of policies says of their limiter as a whole: each of these may be given once, or always the same. */
function only(list: readonly RoutePolicy[], where: string): Pick<RoutePolicy, 'key' | 'cost' | 'hook'> {
  const limiter: Record<string, unknown> = Object.create(null)
  for (const policy of list) {
    for (const option of ['key', 'cost', 'hook'] as const) {
      const value = policy[option]
      if (value === undefined) continue
      if (option in limiter && limiter[option] !== value) {
        throw invalidOption(`${where}[].${option}`, value, 'one for all policies of a limiter')
      }
      limiter[option] = value
    }
  }
  return limiter
}

function checkCostOption(cost: unknown, option: string): void {
  if (typeof cost === 'function' || (Number.isSafeInteger(cost) && (cost as number) >= 0)) return
  throw invalidOption(option, cost, 'an integer of 0 or more, or a function of the request')
}

function checkHook(hook: unknown, option: string): void {
  if (HOOKS.includes(hook as HookName)) return
  throw invalidOption(option, hook, HOOKS.map(show).join(' or '), HOOKS)
}
