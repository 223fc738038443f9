import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Allow } from './allow.js'
import { earlyRoute } from './errors.js'
import type { Internals } from './internals.js'
import type { RequestRegistry } from './registry.js'
import { EXEMPT, factsOf, GUARDED, type Planner, type RoutePlan } from './routes.js'
import type { Done, Point, Stage } from './stage.js'
import { isAllowed, markAllowed } from './visit.js'
import type { Warnings } from './warn.js'

/** Where the limiter that a route chose for this request has yet to run. */
const chosen: unique symbol = Symbol('floodgate.chosen')

type Later = Partial<Record<Point, Stage>>

export interface GateParts {
  readonly registry: RequestRegistry
  readonly planner: Planner
  readonly guard: Stage | null
  readonly allow: Allow
  readonly internals: Internals
  readonly warnings: Warnings
}

/** The hooks of one registration: which limiters a request meets, and when. */
export class Gate {
  readonly #parts: GateParts
  /** Where this registration keeps the plan of a route in the route's config. */
  readonly #plan = Symbol('floodgate.plan')

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** Fastify's `onRoute`: makes the plan and places the hooks. The user's hook arrays are copied, never changed. */
  readonly onRoute = (options: RouteOptions, scope: { rateLimit?: unknown }): void => {
    const plan = this.#isOurs(scope) ? this.#parts.planner.plan(factsOf(options)) : foreign(options)
    options.config = { ...options.config, [this.#plan]: plan } as RouteOptions['config']
    for (const point of plan.points) {
      if (point === 'onRequest') options.preParsing = [this.afterOnRequest, ...asList(options.preParsing)]
      else if (point === 'preValidation')
        options.preValidation = [...asList(options.preValidation), this.preValidation]
      else if (point === 'preHandler') options.preHandler = [...asList(options.preHandler), this.preHandler]
    }
  }

  /** The instance's `onRequest`: the guard, then what can be decided before anything else has run. */
  readonly arrive = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const plan = this.#planOf(request)
    if (plan.exempt || (request.method === 'OPTIONS' && isPreflight(request))) return done()
    const { allow, guard, warnings } = this.#parts
    if (request.ips === undefined && request.headers['x-forwarded-for'] !== undefined) {
      warnings.once('FST_FLOODGATE_W001')
    }
    if (isAllowed(request)) return done()
    if (allow.address?.(request.ip)) {
      markAllowed(request)
      return done()
    }
    const stage = plan.stages.arrival
    if (guard === null) return stage === undefined ? done() : stage.run(request, reply, done)
    if (stage === undefined) return guard.run(request, reply, done)
    guard.run(request, reply, (error) =>
      error === undefined ? stage.run(request, reply, done) : done(error),
    )
  }

  /** A route's `preParsing`: all `onRequest` hooks have run, the body is unread. */
  readonly afterOnRequest = (
    request: FastifyRequest,
    reply: FastifyReply,
    _payload: unknown,
    done: Done,
  ): void => {
    const plan = this.#planOf(request)
    if (plan.choose === null) return this.#runLater(request, reply, 'onRequest', done)
    if (this.#isExcused(request)) return done()
    const name = plan.choose(request)
    if (name instanceof Promise) name.then((name) => this.#follow(request, reply, name, done)).catch(done)
    else this.#follow(request, reply, name, done)
  }

  readonly preValidation = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.#runLater(request, reply, 'preValidation', done)
  }

  readonly preHandler = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.#runLater(request, reply, 'preHandler', done)
  }

  #follow(request: FastifyRequest, reply: FastifyReply, name: unknown, done: Done): void {
    if (name === false) return done()
    const later = this.#parts.planner.chosen(name, 'onRequest')
    ;(request as { [chosen]?: Later })[chosen] = later
    if (later.onRequest === undefined) done()
    else later.onRequest.run(request, reply, done)
  }

  #runLater(request: FastifyRequest, reply: FastifyReply, point: Point, done: Done): void {
    const stage = ((request as { [chosen]?: Later })[chosen] ?? this.#planOf(request).stages)[point]
    if (stage === undefined || this.#isExcused(request)) done()
    else stage.run(request, reply, done)
  }

  #isExcused(request: FastifyRequest): boolean {
    return isAllowed(request) || (request.method === 'OPTIONS' && isPreflight(request))
  }

  #planOf(request: FastifyRequest): RoutePlan {
    const config = this.#parts.internals.config(request) as Record<symbol, RoutePlan | undefined>
    return config[this.#plan] ?? this.#planLate(request, config as Record<symbol, RoutePlan>)
  }

  /** The plan of what `onRoute` did not see: handlers of 404, and routes declared before the plugin was loaded. */
  #planLate(request: FastifyRequest, config: Record<symbol, RoutePlan>): RoutePlan {
    const { planner, internals } = this.#parts
    const { rateLimit, url = '', method = [] } = request.routeOptions.config
    let plan: RoutePlan
    if (!this.#isOurs(request.server)) plan = rateLimit === false ? EXEMPT : GUARDED
    else if (request.is404 && rateLimit === undefined) plan = planner.notFound
    else plan = planner.plan({ url, methods: ([] as string[]).concat(method), rateLimit })
    for (const point of plan.points) {
      if (point === 'arrival') continue
      const placed =
        point === 'onRequest'
          ? internals.addHook(request, 'preParsing', this.afterOnRequest, 'first')
          : internals.addHook(request, point, this[point], 'last')
      if (!placed) throw earlyRoute(url)
    }
    config[this.#plan] = plan
    return plan
  }

  /** Of nested registrations the innermost decides for a route; the guards of all of them count. */
  #isOurs(scope: { rateLimit?: unknown }): boolean {
    return scope.rateLimit === this.#parts.registry
  }
}

function foreign(options: RouteOptions): RoutePlan {
  return options.config?.rateLimit === false ? EXEMPT : GUARDED
}

/** A CORS preflight that some route answers: a denial would look like a CORS failure to the browser. */
function isPreflight(request: FastifyRequest): boolean {
  const { headers } = request
  return (
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    request.is404 === false
  )
}

function asList<T>(hooks: T | T[] | undefined): T[] {
  return hooks === undefined ? [] : ([] as T[]).concat(hooks)
}
