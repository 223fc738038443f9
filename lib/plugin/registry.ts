import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type {
  AnyLimiter,
  AnyPolicy,
  LimiterName,
  ProcessReport,
  RateLimitStats,
  RoutePolicy,
} from '../../types/index.js'
import { isAddressKey } from '../address/index.js'
import { duplicateLimiter, limiterOver, type StoreLimiter, unknownLimiter } from '../limiter/index.js'
import { reportOf } from '../observe/index.js'
import { checkName, invalidOption } from '../policy/index.js'
import { wallDate } from '../store/index.js'
import { IpStrategy } from './config/key-strategies.js'
import { RequestLimiter } from './config/request-limiter.js'
import { compileLimiter, type Defaults, dotted } from './config/route-policy.js'
import { lateHook, noDone } from './errors.js'
import type { Done } from './lifecycle/points.js'
import type { Registration } from './lifecycle/registration.js'
import { Stage } from './lifecycle/stage.js'
import { isUnlimited } from './lifecycle/unlimited.js'
import { OperatedLimiters } from './operated-limiters.js'
import { markOwn } from './own-hooks.js'
import { prepareHeaders } from './reply/limit-headers.js'
import { chargesOf, shadowsOf } from './request/request-charge.js'
import { ReturnedPolicies } from './routes/returned-policies.js'

/** Names of limiters that have options of their own. */
const RESERVED = ['default', 'guard']

/** The limiters of one registration by name: `app.rateLimit`, and what the plugin itself asks of it. */
export class RequestRegistry extends OperatedLimiters implements Iterable<AnyLimiter> {
  readonly #limiters = new Map<string, RequestLimiter>()
  /**
   * Names that configs, functions and `hook()` may use: the default limiter and those that the user defined.
   */
  readonly #named = new Set<string>()
  /** Names that the user defined and that no code has asked for. */
  readonly #unused = new Set<string>()
  /** Whether a function chooses limiters, which may be any that the user defined. */
  #isChosenFrom = false
  readonly #registration: Registration
  readonly #defaults: Defaults
  readonly #since = wallDate()
  #sealed = false

  constructor(registration: Registration, defaults: Defaults) {
    super(registration.counters)
    this.#registration = registration
    this.#defaults = defaults
  }

  define(name: string, policies: AnyPolicy): AnyLimiter {
    checkName(name, 'name')
    if (RESERVED.includes(name))
      throw invalidOption(`limiters.${name}`, name, `names other than ${RESERVED.join(' and ')}`)
    const { limiter } = this.addNamed(name, policies, `limiters.${name}`)
    this.#unused.add(name)
    return limiter
  }

  get(name: LimiterName | 'guard'): AnyLimiter {
    this.#unused.delete(name)
    const found = this.#limiters.get(name)
    if (found === undefined) throw unknownLimiter(name, [...this.#limiters.keys()])
    return found.limiter
  }

  processes(): ProcessReport[] {
    return this.operations.processes(this.stats())
  }

  keyOf(
    request: FastifyRequest,
    limiter: LimiterName | 'guard' = 'default',
  ): string | null | Promise<string | null> {
    this.get(limiter)
    const charge = [...chargesOf(request), ...shadowsOf(request)].find(
      // A nested registration may have a limiter of that name, too.
      (charge) => charge.limiter === limiter && charge.owner === this.#registration,
    )
    if (charge !== undefined) return charge.key
    const { strategy } = this.#limiters.get(limiter) as RequestLimiter
    return strategy.read(request, true)
  }

  stats(): RateLimitStats {
    const { store, held, permits } = this.#registration
    const limiters = [...this.#limiters.values()].map(({ limiter }) => limiter)
    return {
      since: this.#since,
      limiters: this.counters.stats(),
      store: reportOf(store),
      ...this.operations.stats(),
      waiting: sumOf(limiters, ({ waiting }) => waiting) + held.count,
      lost: sumOf(limiters, ({ lost }) => lost) + permits.lost,
    }
  }

  has(name: string): boolean {
    return this.#limiters.has(name)
  }

  *[Symbol.iterator](): Iterator<AnyLimiter> {
    for (const { limiter } of this.#limiters.values()) yield limiter
  }

  /** From now on the app is ready: a policy given to `hook()` would make a limiter for each request. */
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
    const stage = new Stage([member], 'hook', this.#registration)
    const { allowed } = this.#registration
    return markOwn((request: FastifyRequest, reply: FastifyReply, done: Done) => {
      if (typeof done !== 'function') throw noDone()
      if (isUnlimited(request, allowed)) done()
      else stage.decide(request, reply, done)
    })
  }

  /**
   * The limiter of that name, as requests meet it. Throws `FST_FLOODGATE_UNKNOWN_LIMITER`, with `where` it is
   * named.
   */
  find(name: unknown, where = ''): RequestLimiter {
    const limiter = this.named(name)
    if (limiter === undefined) throw unknownLimiter(name, [...this.#named], where)
    return limiter
  }

  /** The same, or undefined. Nobody can choose the guard, or a limiter that a route or `hook()` describes. */
  named(name: unknown): RequestLimiter | undefined {
    this.#unused.delete(name as string)
    return this.#named.has(name as string) ? this.#limiters.get(name as string) : undefined
  }

  /** Names of limiters that were defined and that no route, function, `hook()` or `get()` may use. */
  get unused(): Iterable<string> {
    return this.#isChosenFrom ? [] : this.#unused
  }

  /** Adds a limiter whose name may be used; `where` is the path of its options in errors. */
  addNamed(name: string, policies: AnyPolicy, where: string, defaults?: Defaults): RequestLimiter {
    const limiter = this.add(name, policies, where, defaults)
    this.#named.add(name)
    return limiter
  }

  /** Adds a limiter under `name`; throws `FST_FLOODGATE_DUPLICATE` if the name is taken. */
  add(name: string, policies: AnyPolicy, where: string, defaults: Defaults = this.#defaults): RequestLimiter {
    const { store, strategies } = this.#registration
    const compiled = compileLimiter(policies, name, where, defaults)
    const strategy = strategies.resolve(compiled.key, `${dotted(where)}key`, name)
    if (this.#limiters.has(name)) throw duplicateLimiter(name)
    prepareHeaders(compiled.policies)
    const counters = this.counters.of(name, compiled.policies)
    const over = limiterOver(name, compiled.policies, store, name, counters)
    const unkeyed = limiterOver(name, compiled.policies, store, `${name} without key`, counters)
    // Where the strategy yields addresses, no client is without a key.
    if (!strategy.onArrival) over.setUnkeyed(unkeyed as never, isAddressKey)
    if (strategy instanceof IpStrategy) over.setCorrection((key) => strategy.corrected(key))
    const limiter = new RequestLimiter(over, unkeyed, strategy, compiled)
    this.#limiters.set(name, limiter)
    this.operations.add(name, limiter, { policies, defaults, compiled })
    return limiter
  }

  /**
   * Adds a limiter that the user gave no name, such as a route's own: under `name`, or a free name that
   * begins with it.
   */
  addUnnamed(name: string, policy: RoutePolicy, where: string): RequestLimiter {
    const base = name.slice(0, 120)
    let free = base
    for (let n = 2; this.has(free); n++) free = `${base} #${n}`
    return this.add(free, policy, where)
  }

  /**
   * Whether this registration limits the routes of a scope: the innermost does. The guards of outer ones
   * count, too.
   */
  limits(scope: FastifyInstance): boolean {
    return scope.rateLimit === (this as unknown)
  }

  /** The limiters of the policies that a function returns, which may also name any limiter. */
  returnedPolicies(name: string): ReturnedPolicies {
    this.#isChosenFrom = true
    return new ReturnedPolicies(name, this.#registration, this.#defaults, this.counters)
  }

  /** A stage of limiters of a route, which decide together. */
  stage(members: readonly RequestLimiter[]): Stage {
    return new Stage(members, 'route', this.#registration)
  }
}

function sumOf(limiters: readonly StoreLimiter[], read: (limiter: StoreLimiter) => number): number {
  return limiters.reduce((sum, limiter) => sum + read(limiter), 0)
}

/** The registry of a scope, where that is ours: in an outer scope, another plugin may have made it. */
export function registryOf({ rateLimit }: FastifyInstance): RequestRegistry | null {
  const registry: unknown = rateLimit
  return registry instanceof RequestRegistry ? registry : null
}
