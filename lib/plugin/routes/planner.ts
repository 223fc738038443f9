import type { FastifyRequest } from 'fastify'
import type { RateLimitOptions, RoutePolicy } from '../../../types/index.js'
import { invalidOption } from '../../policy/index.js'
import type { ExemptList } from '../config/exempt-list.js'
import { IpStrategy } from '../config/key-strategies.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { Warnings } from '../config/warnings.js'
import { HOOKS } from '../lifecycle/points.js'
import type { RequestRegistry } from '../registry.js'
import { Chooser } from './chooser.js'
import { isSameRoute, type RouteFacts, routeName } from './facts.js'
import { EXEMPT, GUARD_ONLY, type RoutePlan, type Step } from './plan.js'
import { stageAt, stepsOf } from './steps-of.js'

/** Makes plans out of route configs. */
export class Planner {
  readonly #registry: RequestRegistry
  readonly #exempt: ExemptList
  readonly #warnings: Warnings
  /** Plans with limiters of their own, which a GET and its HEAD share, and `/prefix` and `/prefix/`. */
  readonly #own = new Map<string, { facts: RouteFacts; plan: RoutePlan }[]>()
  /** The plan of routes without a config. */
  readonly #default: RoutePlan
  /** The plan of requests that no route serves. They have no identity but their client's IP. */
  readonly notFound: RoutePlan

  constructor(
    registry: RequestRegistry,
    exempt: ExemptList,
    warnings: Warnings,
    { rateLimit = 'default', notFound }: Pick<RateLimitOptions, 'rateLimit' | 'notFound'> = {},
  ) {
    this.#registry = registry
    this.#exempt = exempt
    this.#warnings = warnings
    this.#default = this.#planFor(rateLimit, 'rateLimit', 'rateLimit')
    if (notFound !== undefined) this.notFound = this.#planFor(notFound, 'notFound', 'notFound')
    // A list that exempts every URL exempts also those of no route.
    else if (exempt.hasEverything || this.#default.exempt) this.notFound = EXEMPT
    else {
      const isByIp = registry.find('default').strategy instanceof IpStrategy
      this.notFound = isByIp ? this.#planFor('default', 'notFound', 'notFound') : GUARD_ONLY
    }
  }

  /** The plan of a route; throws a coded error for a config that is not allowed. */
  plan(facts: RouteFacts): RoutePlan {
    const { rateLimit } = facts
    if (rateLimit === undefined) return this.#exempt.has(facts) ? EXEMPT : this.#default
    const name = routeName(facts)
    const where = `config.rateLimit of ${name}`
    const hasOwn = (typeof rateLimit === 'object' && rateLimit !== null) || typeof rateLimit === 'function'
    if (!hasOwn) return this.#planFor(rateLimit, where, name)
    const routes = this.#own.get(facts.url) ?? []
    const shared = routes.find((own) => isSameRoute(own.facts, facts))
    if (shared !== undefined) return shared.plan
    try {
      const plan = this.#planFor(rateLimit, where, name, facts.url)
      this.#own.set(facts.url, [...routes, { facts, plan }])
      return plan
    } catch (error) {
      throw withRoute(error as Error, where)
    }
  }

  /** The plan of a route that a nested registration limits: it meets our guard only, unless it is exempt. */
  nested(facts: RouteFacts): RoutePlan {
    return facts.rateLimit === false || (facts.rateLimit === undefined && this.#exempt.has(facts))
      ? EXEMPT
      : GUARD_ONLY
  }

  /**
   * The plan that a value in `where` describes: that of a route, or of an option. `name` is the name of its
   * own limiters, `url` that of the route.
   */
  #planFor(rateLimit: unknown, where: string, name: string, url?: string): RoutePlan {
    if (rateLimit === false) return EXEMPT
    if (typeof rateLimit === 'function') {
      const choose = rateLimit as (request: FastifyRequest) => unknown
      const place = url === undefined ? `the option ${where}` : `config.rateLimit of the route ${url}`
      const chooser = new Chooser(choose, place, name, this.#registry, this.#warnings)
      const steps: Step = { point: 'onRequest', stage: null, chooser, later: [], next: null }
      return { ...GUARD_ONLY, steps, hooks: HOOKS, isOpen: true }
    }
    const isList = typeof rateLimit === 'object' && rateLimit !== null
    if (typeof rateLimit !== 'string' && !isList) throw invalidRateLimit(rateLimit, where)
    return this.#planOf(this.#members(rateLimit, where, name))
  }

  /** All or nothing: limiters of one point decide together. */
  #planOf(members: readonly RequestLimiter[]): RoutePlan {
    const newStage = (members: readonly RequestLimiter[]) => this.#registry.stage(members)
    const arrival = stageAt('arrival', members, newStage)
    const steps = stepsOf(members, newStage)
    const hooks = HOOKS.filter((hook) => members.some((member) => member.point === hook))
    const isAlone = arrival === null && steps?.point === 'onRequest' && steps.next === null
    const onlyStage = (isAlone && steps?.stage) || null
    const isOpen = members.some(({ strategy }) => !strategy.onArrival)
    return { exempt: false, arrival, steps, onlyStage, hooks, members, isOpen }
  }

  /** The limiters that a value names or describes. Names come first: what is refused adds no limiter. */
  #members(rateLimit: unknown, where: string, name: string): RequestLimiter[] {
    const items: unknown[] = Array.isArray(rateLimit) ? rateLimit : [rateLimit]
    const names = items.filter((item) => typeof item === 'string')
    // The guard has counted the request already.
    const wrong = names.find((name, i) => name === 'guard' || names.indexOf(name) < i)
    if (wrong !== undefined || items.length === 0) throw invalidRateLimit(wrong ?? rateLimit, where)
    for (const limiter of names) this.#registry.find(limiter, where)
    return items.map((item, i) => {
      if (typeof item === 'string') return this.#registry.find(item)
      const path = where === 'notFound' ? where : 'rateLimit'
      return this.#registry.addUnnamed(
        name,
        item as RoutePolicy,
        Array.isArray(rateLimit) ? `${path}[${i}]` : path,
      )
    })
  }
}

function invalidRateLimit(rateLimit: unknown, where: string): Error {
  return invalidOption(
    where,
    rateLimit,
    "false, the name of a limiter other than 'guard', a policy object, a list of one or more of these without repetition, or a function",
  )
}

/** Adds the route to the message of an error that does not name it. */
function withRoute(error: Error, where: string): Error {
  if (!error.message.includes(where)) error.message += `; in ${where}`
  return error
}
