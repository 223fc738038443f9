import type { FastifyRequest, RouteOptions } from 'fastify'
import type { HookName, RoutePolicy } from '../../../types/index.js'
import { invalidOption, show } from '../../policy/index.js'
import type { ExemptList } from '../config/exempt.js'
import { isPromise } from '../config/keys.js'
import type { Warnings } from '../config/warnings.js'
import { HOOKS, type Point, type RequestLimiter, type Stage } from '../lifecycle/stage.js'
import type { RequestRegistry } from '../registry.js'

/** Something that decides about a request and goes on, or answers it. */
export type Runner = Pick<Stage, 'run'>

/** What is to be done for a request after its arrival: one place after the other, each of them once. */
export interface Step {
  readonly point: Point
  /** Null where `choose` has yet to pick a limiter for this request. */
  readonly runner: Runner | null
  /** Returns the step of the limiter that was picked, or null for none. */
  readonly choose: Choose | null
  readonly next: Step | null
}

type Choose = (request: FastifyRequest) => Step | null | Promise<Step | null>

/** What happens to the requests of a route. Filled in anew at `ready()` where it could not be known before. */
export interface RoutePlan {
  /** No limiter sees it. */
  exempt: boolean
  arrival: Runner | null
  later: Step | null
  /** All that is to be done, where that is one thing, after the `onRequest` hooks. */
  direct: Runner | null
  /** The route's own hooks that have to be followed by ours. */
  hooks: readonly HookName[]
  /** All its limiters; nothing is known of one that is chosen for each request. */
  members: readonly RequestLimiter[]
}

const NOTHING = { arrival: null, later: null, direct: null, hooks: [], members: [] }
const EXEMPT: RoutePlan = { exempt: true, ...NOTHING }
/** Nothing but the guard. */
export const GUARDED: RoutePlan = { exempt: false, ...NOTHING }

const AFTER_ARRIVAL: readonly Point[] = ['onRequest', ...HOOKS]

/** A route as far as its plan depends on it. */
export interface RouteFacts {
  /** The URL; without the last slash for a prefixed `/`, which is one route with and without it. */
  readonly url: string
  readonly prefix: string
  readonly methods: readonly string[]
  readonly constraints?: object
  readonly rateLimit: unknown
  /** Seen first when a request came. */
  readonly late: boolean
}

/** The facts of the options of a route, or of `request.routeOptions`, which is all that is left of them later. */
export function factsOf(
  options: Pick<RouteOptions, 'constraints' | 'config'>,
  url: string,
  method: string | readonly string[],
  prefix: string,
  late: boolean,
): RouteFacts {
  const canonical = prefix !== '' && url === `${prefix}/` ? prefix : url
  const { constraints, config } = options
  const methods = ([] as string[]).concat(method)
  return { url: canonical, prefix, methods, constraints, rateLimit: rateLimitOf(config), late }
}

/** What a route's config says of its limits. Only a property of its own counts: see `ownOptions`. */
export function rateLimitOf(config: object | undefined): unknown {
  return config !== undefined && Object.hasOwn(config, 'rateLimit')
    ? (config as { rateLimit: unknown }).rateLimit
    : undefined
}

/** Makes plans out of route configs. */
export class Planner {
  readonly #registry: RequestRegistry
  readonly #exempt: ExemptList
  readonly #warnings: Warnings
  /** Plans with limiters of their own, to be shared by a GET and its HEAD, and by `/prefix` and `/prefix/`. */
  readonly #own = new Map<string, { facts: RouteFacts; plan: RoutePlan }[]>()
  /** The steps of limiters that functions have chosen, by their names. */
  readonly #chosen = new Map<unknown, Step>()
  readonly #default: RoutePlan
  readonly #notFound: RoutePlan

  constructor(registry: RequestRegistry, exempt: ExemptList, warnings: Warnings) {
    this.#registry = registry
    this.#exempt = exempt
    this.#warnings = warnings
    const byDefault = registry.find('default')
    this.#default = this.#planOf([byDefault])
    // A list that exempts every URL exempts those that are no route's, too.
    this.#notFound = exempt.hasEverything
      ? EXEMPT
      : byDefault.strategy === registry.ip
        ? this.#default
        : GUARDED
  }

  /** The plan of a route; throws a coded error for a config that makes no sense. */
  plan(facts: RouteFacts): RoutePlan {
    const { rateLimit } = facts
    if (rateLimit === false) return EXEMPT
    if (rateLimit === undefined) return this.#exempt.has(facts) ? EXEMPT : this.#default
    if (typeof rateLimit === 'function') {
      const choose = this.#chooser(rateLimit as (request: FastifyRequest) => unknown, facts.url)
      return { ...GUARDED, later: { point: 'onRequest', runner: null, choose, next: null }, hooks: HOOKS }
    }
    if (typeof rateLimit === 'string') return this.#planOf(this.#members(facts))
    if (typeof rateLimit !== 'object' || rateLimit === null) throw this.#invalid(facts)
    const shared = this.#shared(facts)
    if (shared !== undefined) return shared
    try {
      return this.#remember(facts, this.#planOf(this.#members(facts)))
    } catch (error) {
      throw named(error as Error, facts)
    }
  }

  /** The plan of requests that no route answers: their client's IP is all that is known of them. */
  get notFound(): RoutePlan {
    return this.#notFound
  }

  /** The plan of a route that a nested registration limits: of ours it meets the guard, unless it is exempt. */
  foreign(facts: RouteFacts): RoutePlan {
    return facts.rateLimit === false || (facts.rateLimit === undefined && this.#exempt.has(facts))
      ? EXEMPT
      : GUARDED
  }

  /** Calls a route's function. The name that it returns may come from a client: it is neither kept nor shown. */
  #chooser(rateLimit: (request: FastifyRequest) => unknown, url: string): Choose {
    const stepOf = (name: unknown) => (name === false ? null : this.#stepOf(name, url))
    return (request) => {
      const name = rateLimit(request)
      return isPromise(name) ? Promise.resolve(name).then(stepOf) : stepOf(name)
    }
  }

  /** The step of the limiter of that name, or of the default limiter for what names none. */
  #stepOf(name: unknown, url: string): Step {
    const known = this.#chosen.get(name)
    if (known !== undefined) return known
    const member = this.#registry.named(name)
    if (member === undefined) {
      this.#warnings.once('FST_FLOODGATE_W009', url)
      return this.#stepOf('default', url)
    }
    const point = member.point === 'arrival' ? 'onRequest' : member.point
    const step: Step = { point, runner: this.#registry.stage([member]), choose: null, next: null }
    this.#chosen.set(name, step)
    return step
  }

  /** All or nothing: what is decided at the same place is decided together. */
  #planOf(members: readonly RequestLimiter[]): RoutePlan {
    const at = (point: Point) => {
      const here = members.filter((member) => member.point === point)
      return here.length === 0 ? null : this.#registry.stage(here)
    }
    let later: Step | null = null
    for (const point of [...AFTER_ARRIVAL].reverse()) {
      const runner = at(point)
      if (runner !== null) later = { point, runner, choose: null, next: later }
    }
    const hooks = HOOKS.filter((hook) => members.some((member) => member.point === hook))
    const arrival = at('arrival')
    const alone = arrival === null && later?.point === 'onRequest' && later.next === null
    return { exempt: false, arrival, later, direct: (alone && later?.runner) || null, hooks, members }
  }

  /** The limiters that a route names or describes. Names come first: a route that is refused leaves nothing behind. */
  #members(facts: RouteFacts): RequestLimiter[] {
    const { rateLimit } = facts
    const name = nameOf(facts)
    const items: unknown[] = Array.isArray(rateLimit) ? rateLimit : [rateLimit]
    const names = items.filter((item) => typeof item === 'string')
    // The guard has counted the request already.
    const wrong = items.length === 0 || new Set(names).size < names.length || names.includes('guard')
    if (wrong) throw this.#invalid(facts)
    for (const limiter of names) this.#registry.find(limiter, `config.rateLimit of ${name}`)
    return items.map((item, i) => {
      if (typeof item === 'string') return this.#registry.find(item)
      const where = Array.isArray(rateLimit) ? `rateLimit[${i}]` : 'rateLimit'
      return this.#registry.addUnnamed(name, item as RoutePolicy, where)
    })
  }

  /** The plan of a route that is the same to its users: the same config object under the same URL. */
  #shared(facts: RouteFacts): RoutePlan | undefined {
    return this.#own.get(facts.url)?.find((own) => isSameRoute(own.facts, facts))?.plan
  }

  #remember(facts: RouteFacts, plan: RoutePlan): RoutePlan {
    this.#own.set(facts.url, [...(this.#own.get(facts.url) ?? []), { facts, plan }])
    return plan
  }

  #invalid(facts: RouteFacts): Error {
    const { rateLimit } = facts
    const value = Array.isArray(rateLimit) ? rateLimit.map(show).join(', ') : rateLimit
    return invalidOption(
      `config.rateLimit of ${nameOf(facts)}`,
      value,
      "false, the name of a limiter other than 'guard', a policy object, a list of these without repetition, or a function",
    )
  }
}

/** What a route is called in errors, and its own limiters too: printable ASCII. */
function nameOf({ methods, url }: RouteFacts): string {
  return `${methods.join('|')} ${encodeURI(url)}`
}

/** An error that says which route it is about. */
function named(error: Error, facts: RouteFacts): Error {
  const where = `config.rateLimit of ${nameOf(facts)}`
  if (!error.message.includes(where)) error.message += `; in ${where}`
  return error
}

/**
 * Whether two routes of one URL are a GET and its HEAD, a prefixed `/` with and without the slash, or one route that was seen
 * when it was declared and, its config rebuilt by another plugin, again when a request came.
 */
function isSameRoute(a: RouteFacts, b: RouteFacts): boolean {
  if (a.rateLimit !== b.rateLimit || a.constraints !== b.constraints) return false
  const isHeadOf = (head: RouteFacts, get: RouteFacts) =>
    head.methods[0] === 'HEAD' && get.methods.includes('GET')
  const sameMethods = a.methods.join() === b.methods.join()
  return isHeadOf(a, b) || isHeadOf(b, a) || (sameMethods && (a.late !== b.late || a.url === a.prefix))
}
