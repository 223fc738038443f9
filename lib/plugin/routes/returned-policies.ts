import type { Bucket, RoutePolicy } from '../../../types/index.js'
import { limiterOver, openSpace } from '../../limiter/index.js'
import type { Counters } from '../../observe/index.js'
import { GenerationalMap } from '../../store/index.js'
import { type CompiledLimiter, RequestLimiter } from '../config/request-limiter.js'
import { compileLimiter, type Defaults } from '../config/route-policy.js'
import type { Registration } from '../lifecycle/registration.js'
import { prepareHeaders } from '../reply/limit-headers.js'

/** Policies of one route that are kept compiled: at most so many, and at least half of them. */
const MOST = 1000
/** Text of a policy that is longer is not kept: it may come from a client. */
const LONGEST = 512

const MAY_BE_FUNCTIONS = ['key', 'cost', 'charge'] as const

interface Compiled {
  readonly options: CompiledLimiter
  /** The limiter without the functions of a policy, which may be others for each request. */
  readonly member: RequestLimiter
}

/**
 * The limiters of the policies that the function of a route returns. Their keys belong to the route, and a
 * law is part of its keys, so there may be any number of laws over time. Each is compiled once, as long as it
 * is among those that were used last.
 */
export class ReturnedPolicies {
  readonly #name: string
  readonly #registration: Registration
  readonly #defaults: Defaults
  readonly #counters: Counters
  readonly #compiled = new GenerationalMap<Compiled | Error>(MOST)
  /** For each key strategy that a policy named, a bucket whose space its laws share. */
  readonly #spaces = new Map<string, Bucket>()

  /** `name`: the name of the limiters. */
  constructor(name: string, registration: Registration, defaults: Defaults, counters: Counters) {
    this.#name = name
    this.#registration = registration
    this.#defaults = defaults
    this.#counters = counters
  }

  /**
   * The limiter of a policy, the `nth` of a list; the coded error of one that is not allowed. A function in
   * it may know the request that it was made for, so it is used once.
   */
  of(policy: RoutePolicy, nth: number): RequestLimiter | Error {
    const compiled = this.#compiledOf(policy, nth)
    if (compiled instanceof Error) return compiled
    const { options, member } = compiled
    const own = functionsOf(policy)
    if (own === null) return member
    const { limiter, unkeyed } = member
    const { key, cost, charge } = { ...options, ...own }
    const strategy =
      own.key === undefined
        ? member.strategy
        : this.#registration.strategies.resolve(key, 'rateLimit.key', limiter.name)
    return new RequestLimiter(limiter, unkeyed, strategy, { ...options, cost, charge })
  }

  #compiledOf(policy: RoutePolicy, nth: number): Compiled | Error {
    const id = idOf(policy, nth)
    const known = this.#compiled.get(id) ?? this.#compile(policy, nth)
    // What was used last is kept.
    if (id.length <= LONGEST) this.#compiled.set(id, known)
    return known
  }

  #compile(policy: RoutePolicy, nth: number): Compiled | Error {
    const name = nth === 0 ? this.#name : `${this.#name} #${nth + 1}`
    const { store, strategies } = this.#registration
    try {
      const options = compileLimiter(policy, name, 'rateLimit', this.#defaults)
      const { policies, key } = options
      const strategy = strategies.resolve(key, 'rateLimit.key', name)
      prepareHeaders(policies)
      const by = strategy.isNamed ? strategy.name : 'a function'
      // One name for all laws: their own names may come from clients.
      const counters = [this.#counters.named(name, policies[0], name)]
      // Requests of one key may get a shadow or an equal law that is enforced.
      const kind = policies[0].enforce === 1 ? '' : ' as a shadow'
      const limiter = limiterOver(name, policies, store, this.#space(`${name} by ${by}${kind}`), counters)
      const unkeyed = limiterOver(name, policies, store, this.#space(`${name} without key${kind}`), counters)
      return { options, member: new RequestLimiter(limiter, unkeyed, strategy, options) }
    } catch (error) {
      return error as Error
    }
  }

  #space(name: string): Bucket {
    let space = this.#spaces.get(name)
    if (space === undefined) {
      space = openSpace(this.#registration.store, name)
      this.#spaces.set(name, space)
    }
    return space
  }
}

/** Text that is equal for equal policies; too long to be kept for what has none. */
function idOf(policy: RoutePolicy, nth: number): string {
  try {
    return `${nth} ${Object.keys(functionsOf(policy) ?? {})} ${JSON.stringify(policy)}`
  } catch {
    return ' '.repeat(LONGEST + 1)
  }
}

/** The options of a policy that are functions; null for none. */
function functionsOf(policy: RoutePolicy): Pick<RoutePolicy, (typeof MAY_BE_FUNCTIONS)[number]> | null {
  let options: Record<string, unknown> | null = null
  for (const option of MAY_BE_FUNCTIONS) {
    if (typeof policy[option] !== 'function') continue
    options ??= {}
    options[option] = policy[option]
  }
  return options
}
