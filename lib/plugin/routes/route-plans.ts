import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { earlyRoute } from '../errors.js'
import type { Internals } from '../internals.js'
import { decidingScope } from '../lifecycle/not-found.js'
import { HOOKS, LATER } from '../lifecycle/points.js'
import type { Steps } from '../lifecycle/steps.js'
import type { RequestRegistry } from '../registry.js'
import { factsOf, type RouteFacts, rateLimitOf } from './facts.js'
import { GUARD_ONLY, type RoutePlan, withLater } from './plan.js'
import type { Planner } from './planner.js'

/** A route that was declared after the plugin was loaded. */
export interface PlannedRoute {
  readonly options: RouteOptions
  readonly plan: RoutePlan
  readonly facts: RouteFacts
  readonly scope: FastifyInstance
  /** Whether the plan is known. If not, it is made when the app is ready. */
  readonly known: boolean
}

/** The plan of each route for one registration. It is kept in the config of the route. */
export class RoutePlans {
  readonly #plan = Symbol('floodgate.plan')
  readonly #app: FastifyInstance
  readonly #registry: RequestRegistry
  readonly #planner: Planner
  readonly #internals: Internals
  readonly #steps: Steps
  /** Routes whose plans may change until all plugins are loaded. */
  #routes: PlannedRoute[] = []

  /** `app` is the scope that the plugin was registered in. */
  constructor(
    app: FastifyInstance,
    registry: RequestRegistry,
    planner: Planner,
    internals: Internals,
    steps: Steps,
  ) {
    this.#app = app
    this.#registry = registry
    this.#planner = planner
    this.#internals = internals
    this.#steps = steps
  }

  /** Makes the plan of a route and adds its hooks. The user's hook arrays are copied, never changed. */
  add(options: RouteOptions & { prefix: string }, scope: FastifyInstance): void {
    const facts = factsOf(options, options.url, options.method, options.prefix, false)
    const { plan, known } = this.#tryPlan(facts, scope)
    this.#routes.push({ options, plan, facts, scope, known })
    options.config = { ...options.config, [this.#plan]: plan } as RouteOptions['config']
    for (const hook of plan.hooks) options[hook] = [...asList(options[hook]), this.#steps[hook]] as never
  }

  /**
   * Makes all plans final and returns their routes. The app is ready, so every limiter and every nested
   * registration is known. Throws for names that no limiter has.
   */
  complete(): readonly PlannedRoute[] {
    const routes = this.#routes
    for (const { plan, facts, scope, known } of routes)
      if (!known || !this.#registry.limits(scope)) Object.assign(plan, this.#make(facts, scope))
    this.#routes = []
    return routes
  }

  /** The plan of the route of a request. */
  of(request: FastifyRequest): RoutePlan {
    const config = this.#internals.config(request) as Record<symbol, RoutePlan | undefined>
    return config[this.#plan] ?? this.#makeLate(request, config as Record<symbol, RoutePlan>)
  }

  /**
   * At the first request of a route: if it has hooks that may give a key which is missing before them, its
   * limiters are asked again after those. The hooks that a route inherits are known only now.
   */
  close(plan: RoutePlan, request: FastifyRequest): void {
    plan.isOpen = false
    const later = LATER.filter((point) => this.#internals.hasForeignHooks(request, point))
    if (later.length === 0) return
    for (const point of later)
      if (!plan.hooks.some((hook) => hook === point))
        this.#internals.appendHook(request, point, this.#steps[point])
    plan.steps = withLater(plan.steps, later)
    plan.onlyStage = null
  }

  /**
   * The plan of a route so far. A mistake in the plugin's own scope is thrown at once, in a nested one at
   * ready.
   */
  #tryPlan(facts: RouteFacts, scope: FastifyInstance): { plan: RoutePlan; known: boolean } {
    try {
      return { plan: { ...this.#make(facts, scope) }, known: true }
    } catch (error) {
      const undefinedYet = (error as { code?: string }).code === 'FST_FLOODGATE_UNKNOWN_LIMITER'
      if (scope === this.#app && !undefinedYet) throw error
      return { plan: { ...GUARD_ONLY, hooks: HOOKS }, known: false }
    }
  }

  #make(facts: RouteFacts, scope: FastifyInstance): RoutePlan {
    return this.#registry.limits(scope) ? this.#planner.plan(facts) : this.#planner.nested(facts)
  }

  /**
   * The plan of a route that `onRoute` did not see: a handler of 404, or a route declared before the plugin
   * was loaded.
   */
  #makeLate(request: FastifyRequest, config: Record<symbol, RoutePlan>): RoutePlan {
    const { server, routeOptions } = request
    const scope = decidingScope(config, server)
    const { url = '', method = [] } = routeOptions.config
    let plan: RoutePlan
    try {
      const isNotFound = request.is404 && rateLimitOf(routeOptions.config) === undefined
      const made =
        isNotFound && this.#registry.limits(scope)
          ? this.#planner.notFound
          : this.#make(factsOf(routeOptions, url, method, scope.prefix, true), scope)
      plan = { ...made }
      for (const hook of plan.hooks)
        if (!this.#internals.appendHook(request, hook, this.#steps[hook])) throw earlyRoute(url)
    } catch (error) {
      plan = faultyPlan(error as Error)
    }
    config[this.#plan] = plan
    return plan
  }
}

/**
 * The plan of a route whose config is not allowed and was seen too late to refuse it: every request gets the
 * error.
 */
function faultyPlan(error: Error): RoutePlan {
  return { ...GUARD_ONLY, arrival: { decide: (_request, _reply, done) => done(error) } }
}

function asList<T>(hooks: T | T[] | undefined): T[] {
  return hooks === undefined ? [] : ([] as T[]).concat(hooks)
}
