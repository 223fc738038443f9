import type { FastifyRequest } from 'fastify'
import type { RoutePolicy } from '../../../types/index.js'
import { invalidOption, show } from '../../policy/index.js'
import type { ExemptList } from '../config/exempt-list.js'
import { IpStrategy } from '../config/key-strategies.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { Warnings } from '../config/warnings.js'
import { HOOKS, type Point } from '../lifecycle/points.js'
import type { RequestRegistry } from '../registry.js'
import { Chooser, ChosenSteps } from './chooser.js'
import { isSameRoute, type RouteFacts, routeName } from './facts.js'
import { EXEMPT, GUARD_ONLY, type RoutePlan, type Step } from './plan.js'

/** The points after arrival, the last one first. */
const BACKWARDS: readonly Point[] = ['preHandler', 'preValidation', 'onRequest']

/** Makes plans out of route configs. */
export class Planner {
  readonly #registry: RequestRegistry
  readonly #exempt: ExemptList
  readonly #chosen: ChosenSteps
  /** Plans with limiters of their own, which a GET and its HEAD share, and `/prefix` and `/prefix/`. */
  readonly #own = new Map<string, { facts: RouteFacts; plan: RoutePlan }[]>()
  readonly #default: RoutePlan
  /** The plan of requests that no route serves. They have no identity but their client's IP. */
  readonly notFound: RoutePlan

  constructor(registry: RequestRegistry, exempt: ExemptList, warnings: Warnings) {
    this.#registry = registry
    this.#exempt = exempt
    this.#chosen = new ChosenSteps(registry, warnings)
    const byDefault = registry.find('default')
    this.#default = this.#planOf([byDefault])
    // A list that exempts every URL exempts also those of no route.
    if (exempt.hasEverything) this.notFound = EXEMPT
    else this.notFound = byDefault.strategy instanceof IpStrategy ? this.#default : GUARD_ONLY
  }

  /** The plan of a route; throws a coded error for a config that is not allowed. */
  plan(facts: RouteFacts): RoutePlan {
    const { rateLimit } = facts
    if (rateLimit === false) return EXEMPT
    if (rateLimit === undefined) return this.#exempt.has(facts) ? EXEMPT : this.#default
    if (typeof rateLimit === 'function') {
      const chooser = new Chooser(rateLimit as (request: FastifyRequest) => unknown, facts.url, this.#chosen)
      return { ...GUARD_ONLY, steps: { point: 'onRequest', stage: null, chooser, next: null }, hooks: HOOKS }
    }
    if (typeof rateLimit === 'string') return this.#planOf(this.#members(facts))
    if (typeof rateLimit !== 'object' || rateLimit === null) throw invalidRateLimit(facts)
    const routes = this.#own.get(facts.url) ?? []
    const shared = routes.find((own) => isSameRoute(own.facts, facts))
    if (shared !== undefined) return shared.plan
    try {
      const plan = this.#planOf(this.#members(facts))
      this.#own.set(facts.url, [...routes, { facts, plan }])
      return plan
    } catch (error) {
      throw withRoute(error as Error, facts)
    }
  }

  /** The plan of a route that a nested registration limits: it meets our guard only, unless it is exempt. */
  nested(facts: RouteFacts): RoutePlan {
    return facts.rateLimit === false || (facts.rateLimit === undefined && this.#exempt.has(facts))
      ? EXEMPT
      : GUARD_ONLY
  }

  /** All or nothing: limiters of one point decide together. */
  #planOf(members: readonly RequestLimiter[]): RoutePlan {
    const stageAt = (point: Point) => {
      const here = members.filter((member) => member.point === point)
      return here.length === 0 ? null : this.#registry.stage(here)
    }
    let steps: Step | null = null
    for (const point of BACKWARDS) {
      const stage = stageAt(point)
      if (stage !== null) steps = { point, stage, chooser: null, next: steps }
    }
    const hooks = HOOKS.filter((hook) => members.some((member) => member.point === hook))
    const arrival = stageAt('arrival')
    const isAlone = arrival === null && steps?.point === 'onRequest' && steps.next === null
    return { exempt: false, arrival, steps, onlyStage: (isAlone && steps?.stage) || null, hooks, members }
  }

  /**
   * The limiters that a route names or describes. Names come first: a route that is refused adds no limiter.
   */
  #members(facts: RouteFacts): RequestLimiter[] {
    const { rateLimit } = facts
    const name = routeName(facts)
    const items: unknown[] = Array.isArray(rateLimit) ? rateLimit : [rateLimit]
    const names = items.filter((item) => typeof item === 'string')
    // The guard has counted the request already.
    const wrong = items.length === 0 || new Set(names).size < names.length || names.includes('guard')
    if (wrong) throw invalidRateLimit(facts)
    for (const limiter of names) this.#registry.find(limiter, `config.rateLimit of ${name}`)
    return items.map((item, i) => {
      if (typeof item === 'string') return this.#registry.find(item)
      const where = Array.isArray(rateLimit) ? `rateLimit[${i}]` : 'rateLimit'
      return this.#registry.addUnnamed(name, item as RoutePolicy, where)
    })
  }
}

function invalidRateLimit(facts: RouteFacts): Error {
  const { rateLimit } = facts
  const value = Array.isArray(rateLimit) ? rateLimit.map(show).join(', ') : rateLimit
  return invalidOption(
    `config.rateLimit of ${routeName(facts)}`,
    value,
    "false, the name of a limiter other than 'guard', a policy object, a list of these without repetition, or a function",
  )
}

/** Adds the route to the message of an error that does not name it. */
function withRoute(error: Error, facts: RouteFacts): Error {
  const where = `config.rateLimit of ${routeName(facts)}`
  if (!error.message.includes(where)) error.message += `; in ${where}`
  return error
}
