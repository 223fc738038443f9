import type { FastifyRequest, RouteOptions } from 'fastify'
import type { RoutePolicy } from '../../types/index.js'
import { unknownLimiter } from '../limiter/index.js'
import { invalidOption, show } from '../policy/index.js'
import type { RequestRegistry } from './registry.js'
import type { Point, RequestLimiter, Stage } from './stage.js'

/** What happens to the requests of a route. */
export interface RoutePlan {
  /** No limiter sees it. */
  readonly exempt: boolean
  /** Its limiters, by place. Filled in when all limiters are known. */
  stages: Partial<Record<Point, Stage>>
  /** Picks the limiter for each request. */
  readonly choose: ((request: FastifyRequest) => unknown) | null
  /** Places where something may have to be done. */
  readonly points: readonly Point[]
}

export const EXEMPT: RoutePlan = { exempt: true, stages: {}, choose: null, points: [] }
/** Nothing but the guard. */
export const GUARDED: RoutePlan = { exempt: false, stages: {}, choose: null, points: [] }

const ANYWHERE: readonly Point[] = ['onRequest', 'preValidation', 'preHandler']

/** A route as far as its plan depends on it. */
export interface RouteFacts {
  readonly url: string
  readonly methods: readonly string[]
  readonly constraints?: object
  readonly rateLimit: unknown
}

export function factsOf(options: RouteOptions): RouteFacts {
  const { url, method, constraints, config } = options
  return { url, methods: ([] as string[]).concat(method), constraints, rateLimit: config?.rateLimit }
}

/** Makes plans out of route configs. */
export class Planner {
  readonly #registry: RequestRegistry
  readonly #exempt: (url: string) => boolean
  /** Plans with limiters of their own, to be shared by a GET and its HEAD, and by `/prefix` and `/prefix/`. */
  readonly #own = new Map<string, { facts: RouteFacts; plan: RoutePlan }[]>()
  /** Plans that name limiters still to be defined. */
  #open: (() => void)[] | null = []
  readonly #notFound: RoutePlan

  constructor(registry: RequestRegistry, exempt: readonly string[]) {
    this.#registry = registry
    this.#exempt = matcher(exempt)
    const byDefault = registry.find('default')
    this.#notFound = byDefault.strategy === registry.ip ? this.#planOf([byDefault]) : GUARDED
  }

  /** The plan of a route; throws a coded error for a config that makes no sense. */
  plan(facts: RouteFacts): RoutePlan {
    const { rateLimit, url } = facts
    if (rateLimit === false) return EXEMPT
    if (rateLimit === undefined)
      return this.#exempt(url) ? EXEMPT : this.#planOf([this.#registry.find('default')])
    if (typeof rateLimit === 'string') return this.#planOfNames([rateLimit])
    if (typeof rateLimit === 'function') {
      return { exempt: false, stages: {}, choose: rateLimit as RoutePlan['choose'], points: ANYWHERE }
    }
    if (typeof rateLimit !== 'object' || rateLimit === null) throw this.#invalid(facts)
    return this.#shared(facts) ?? this.#remember(facts, this.#planOfNames(this.#members(facts)))
  }

  /** The plan of requests that no route answers: their client's IP is all that is known of them. */
  get notFound(): RoutePlan {
    return this.#notFound
  }

  /** The stages of a limiter that a route chose by name, all of them from `point` on. */
  chosen(name: unknown, point: Point): Partial<Record<Point, Stage>> {
    if (typeof name !== 'string')
      throw unknownLimiter(
        name,
        [...this.#registry].map((limiter) => limiter.name),
      )
    const member = this.#registry.find(name)
    return this.#registry.stages([member], member.point === 'arrival' ? point : undefined)
  }

  /** All limiters are defined: throws for names that are still unknown. */
  close(): void {
    for (const fill of this.#open ?? []) fill()
    this.#open = null
  }

  #planOf(members: readonly RequestLimiter[]): RoutePlan {
    const stages = this.#registry.stages(members)
    return { exempt: false, stages, choose: null, points: Object.keys(stages) as Point[] }
  }

  /** A plan of limiters, some of which may be known by a name only that is defined later. */
  #planOfNames(members: readonly (string | RequestLimiter)[]): RoutePlan {
    const find = () =>
      members.map((member) => (typeof member === 'string' ? this.#registry.find(member) : member))
    const missing = members.some((member) => typeof member === 'string' && !this.#registry.has(member))
    if (!missing || this.#open === null) return this.#planOf(find())
    const plan: RoutePlan = { exempt: false, stages: {}, choose: null, points: ANYWHERE }
    this.#open.push(() => {
      plan.stages = this.#registry.stages(find())
    })
    return plan
  }

  #members(facts: RouteFacts): (string | RequestLimiter)[] {
    const { rateLimit, methods, url } = facts
    const name = `${methods.join('|')} ${encodeURI(url)}`
    if (!Array.isArray(rateLimit))
      return [this.#registry.addUnnamed(name, rateLimit as RoutePolicy, 'rateLimit')]
    const names = rateLimit.filter((item) => typeof item === 'string')
    const twice = names.find((item, i) => names.indexOf(item) !== i)
    if (rateLimit.length === 0 || twice !== undefined) throw this.#invalid(facts)
    return rateLimit.map((item: unknown, i) => {
      if (typeof item === 'string') return item
      return this.#registry.addUnnamed(name, item as RoutePolicy, `rateLimit[${i}]`)
    })
  }

  /** The plan of a route that is the same to its users: the same config object under the same URL. */
  #shared(facts: RouteFacts): RoutePlan | undefined {
    const urls = [facts.url]
    if (facts.methods[0] === 'HEAD' && facts.url.endsWith('/')) urls.push(facts.url.slice(0, -1))
    return urls.flatMap((url) => this.#own.get(url) ?? []).find((own) => isSameRoute(own.facts, facts))?.plan
  }

  #remember(facts: RouteFacts, plan: RoutePlan): RoutePlan {
    this.#own.set(facts.url, [...(this.#own.get(facts.url) ?? []), { facts, plan }])
    return plan
  }

  #invalid({ rateLimit, methods, url }: RouteFacts): Error {
    const value = Array.isArray(rateLimit) ? rateLimit.map(show).join(', ') : rateLimit
    return invalidOption(
      `config.rateLimit of ${methods.join('|')} ${url}`,
      value,
      'false, the name of a limiter, a policy object, a list of these without repetition, or a function',
    )
  }
}

/** Whether `late` is the HEAD of the GET `early`, or the same route under its other URL. */
function isSameRoute(early: RouteFacts, late: RouteFacts): boolean {
  const methods =
    late.methods.join() === early.methods.join() ||
    (late.methods[0] === 'HEAD' && early.methods.includes('GET'))
  const constraints = JSON.stringify(late.constraints) === JSON.stringify(early.constraints)
  return methods && constraints && late.rateLimit === early.rateLimit
}

/** Whether a route's URL is on a list whose entries may end with `*`. */
function matcher(patterns: readonly string[]): (url: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')))
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1))
  return (url) => exact.has(url) || prefixes.some((prefix) => url.startsWith(prefix))
}
