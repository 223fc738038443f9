import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { HookName } from '../../../types/index.js'
import type { ExemptList } from '../config/exempt.js'
import { isPromise } from '../config/keys.js'
import type { Warnings } from '../config/warnings.js'
import { earlyRoute } from '../errors.js'
import type { Internals } from '../internals.js'
import type { RequestRegistry } from '../registry.js'
import type { Documentation } from '../routes/documentation.js'
import { isOpenToGuessing } from '../routes/guessing.js'
import { misplacedLimit } from '../routes/misplaced.js'
import {
  factsOf,
  GUARDED,
  type Planner,
  type RouteFacts,
  type RoutePlan,
  rateLimitOf,
  type Step,
} from '../routes/planner.js'
import { decidingScope } from './not-found.js'
import { ProxyWatch } from './proxy-watch.js'
import { type Done, HOOKS, type Point, type Stage } from './stage.js'

export interface GateParts {
  /** The scope that the plugin was registered in. */
  readonly app: FastifyInstance
  readonly registry: RequestRegistry
  readonly planner: Planner
  readonly exempt: ExemptList
  readonly guard: Stage | null
  /** Is it a request that no limiter may deny? */
  readonly excuses: (request: FastifyRequest) => boolean
  readonly internals: Internals
  readonly warnings: Warnings
  readonly documentation: Documentation
}

/** The hooks of one registration: which limiters a request meets, and when. */
export class Gate {
  readonly #parts: GateParts
  /** Where this registration keeps the plan of a route in the route's config. */
  readonly #plan = Symbol('floodgate.plan')
  /** Where it keeps what is still to be done for a request. */
  readonly #later = Symbol('floodgate.later')
  readonly #proxyWatch: ProxyWatch
  /** Routes whose plan may change until all plugins are loaded. */
  #routes: {
    options: RouteOptions
    plan: RoutePlan
    facts: RouteFacts
    scope: FastifyInstance
    known: boolean
  }[] = []

  /** Whether routes were declared before us, which `onRoute` did not see. */
  readonly #hasEarlyRoutes: boolean

  constructor(parts: GateParts) {
    this.#parts = parts
    const { app, internals, warnings } = parts
    this.#proxyWatch = new ProxyWatch(internals, warnings)
    this.#hasEarlyRoutes = hasRoutes(app)
  }

  /** Fastify's `onRoute`: makes the plan and places the hooks. The user's hook arrays are copied, never changed. */
  readonly onRoute = (options: RouteOptions & { prefix: string }, scope: FastifyInstance): void => {
    const facts = factsOf(options, options.url, options.method, options.prefix, false)
    const { plan, known } = this.#tryPlan(facts, scope)
    this.#routes.push({ options, plan, facts, scope, known })
    const misplaced = misplacedLimit(options)
    if (misplaced !== null && this.#isOurs(scope))
      this.#parts.warnings.once('FST_FLOODGATE_W015', facts.url, misplaced)
    options.config = { ...options.config, [this.#plan]: plan } as RouteOptions['config']
    for (const hook of plan.hooks) options[hook] = [...asList(options[hook]), this[hook]] as never
  }

  /** Fastify's `onReady`: every limiter and every nested registration is known. Throws for names that nobody defined. */
  readonly onReady = async (): Promise<void> => {
    const { app, registry } = this.#parts
    for (const { plan, facts, scope, known } of this.#routes) {
      if (!known || !this.#isOurs(scope)) Object.assign(plan, this.#make(facts, scope))
    }
    registry.seal()
    this.#proxyWatch.onReady(app)
    this.#warnOfGuessing()
    this.#parts.documentation.write(this.#routes)
    if (!this.#hasEarlyRoutes) this.#warnOfUnused()
    this.#routes = []
  }

  /** Where every route was seen, so was every limiter that is named and every route that may be exempt. */
  #warnOfUnused(): void {
    const { registry, exempt, warnings } = this.#parts
    for (const pattern of exempt.unmatched(this.#routes.map(({ facts }) => facts)))
      warnings.once('FST_FLOODGATE_W014', pattern)
    // A function may choose any limiter.
    const chooses = this.#routes.some(
      ({ facts, scope }) => typeof facts.rateLimit === 'function' && this.#isOurs(scope),
    )
    if (chooses) return
    for (const name of registry.unused) warnings.once('FST_FLOODGATE_W005', name)
  }

  #warnOfGuessing(): void {
    const { app, registry, warnings } = this.#parts
    const byDefault = registry.find('default')
    const plans = this.#routes.map(({ plan }) => plan)
    if (isOpenToGuessing(app, byDefault, plans)) warnings.once('FST_FLOODGATE_W012', byDefault.strategy.name)
  }

  /** The instance's `onRequest`: the guard, then what can be decided before anything else has run. */
  readonly arrive = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const plan = this.#planOf(request)
    if (plan.exempt) return done()
    const { guard } = this.#parts
    this.#proxyWatch.onRequest(request)
    // The one thing there is to do is done after the route's own hooks.
    if (plan.direct !== null && guard === null) return done()
    if (this.#parts.excuses(request)) return done()
    const { arrival, later } = plan
    if (later !== null) this.#setLater(request, later)
    if (guard === null) return arrival === null ? done() : arrival.run(request, reply, done)
    if (arrival === null) return guard.run(request, reply, done)
    guard.run(request, reply, (error) =>
      error === undefined ? arrival.run(request, reply, done) : done(error),
    )
  }

  /** The instance's `preParsing`: all `onRequest` hooks have run, the body is unread. */
  readonly afterOnRequest = (
    request: FastifyRequest,
    reply: FastifyReply,
    _payload: unknown,
    done: Done,
  ): void => {
    const { direct } = this.#planOf(request)
    if (direct === null || this.#parts.guard !== null) this.#advance(request, reply, 'onRequest', done)
    else if (this.#parts.excuses(request)) done()
    else direct.run(request, reply, done)
  }

  readonly preValidation = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.#advance(request, reply, 'preValidation', done)
  }

  readonly preHandler = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.#advance(request, reply, 'preHandler', done)
  }

  /** Does what is to be done at `point`, once, however often the hook is called. */
  #advance(request: FastifyRequest, reply: FastifyReply, point: Point, done: Done): void {
    const step = (request as unknown as Record<symbol, Step | null | undefined>)[this.#later]
    if (step === undefined || step === null || step.point !== point) return done()
    this.#setLater(request, step.next)
    if (step.runner !== null) return step.runner.run(request, reply, done)
    const chosen = step.choose?.(request) ?? null
    if (isPromise(chosen)) {
      chosen.then((chosen) => this.#follow(request, reply, chosen, point, done)).catch(done)
    } else this.#follow(request, reply, chosen, point, done)
  }

  #follow(request: FastifyRequest, reply: FastifyReply, step: Step | null, point: Point, done: Done): void {
    this.#setLater(request, step)
    this.#advance(request, reply, point, done)
  }

  #setLater(request: FastifyRequest, step: Step | null): void {
    ;(request as unknown as Record<symbol, Step | null>)[this.#later] = step
  }

  #planOf(request: FastifyRequest): RoutePlan {
    const config = this.#parts.internals.config(request) as Record<symbol, RoutePlan | undefined>
    return config[this.#plan] ?? this.#planLate(request, config as Record<symbol, RoutePlan>)
  }

  /** A plan as far as it can be made now. In the plugin's own scope what is wrong is told at once, in a nested one at ready. */
  #tryPlan(facts: RouteFacts, scope: FastifyInstance): { plan: RoutePlan; known: boolean } {
    try {
      return { plan: { ...this.#make(facts, scope) }, known: true }
    } catch (error) {
      const undefinedYet = (error as { code?: string }).code === 'FST_FLOODGATE_UNKNOWN_LIMITER'
      if (scope === this.#parts.app && !undefinedYet) throw error
      return {
        plan: { ...GUARDED, hooks: HOOKS },
        known: false,
      }
    }
  }

  #make(facts: RouteFacts, scope: FastifyInstance): RoutePlan {
    const { planner } = this.#parts
    return this.#isOurs(scope) ? planner.plan(facts) : planner.foreign(facts)
  }

  /** The plan of what `onRoute` did not see: handlers of 404, and routes declared before the plugin was loaded. */
  #planLate(request: FastifyRequest, config: Record<symbol, RoutePlan>): RoutePlan {
    const { server, routeOptions } = request
    const scope = decidingScope(config, server)
    const { url = '', method = [] } = routeOptions.config
    let plan: RoutePlan
    try {
      plan =
        request.is404 && rateLimitOf(routeOptions.config) === undefined && this.#isOurs(scope)
          ? this.#parts.planner.notFound
          : this.#make(factsOf(routeOptions, url, method, scope.prefix, true), scope)
      for (const hook of plan.hooks) this.#placeLate(request, hook, url)
    } catch (error) {
      plan = faulty(error as Error)
    }
    config[this.#plan] = plan
    return plan
  }

  #placeLate(request: FastifyRequest, hook: HookName, url: string): void {
    if (!this.#parts.internals.appendHook(request, hook, this[hook])) throw earlyRoute(url)
  }

  /** Of nested registrations the innermost decides for a route; the guards of all of them count. */
  #isOurs(scope: FastifyInstance): boolean {
    return scope.rateLimit === this.#parts.registry
  }
}

/** The plan of a route whose config makes no sense and was seen too late to refuse it: every request is told so. */
function faulty(error: Error): RoutePlan {
  return { ...GUARDED, arrival: { run: (_request, _reply, done) => done(error) } }
}

/** Were routes declared that `onRoute` did not see? Those for CORS preflights do not count: they name no limiters. */
function hasRoutes(app: FastifyInstance): boolean {
  return /\((?!OPTIONS\))[A-Z]/.test(app.printRoutes())
}

function asList<T>(hooks: T | T[] | undefined): T[] {
  return hooks === undefined ? [] : ([] as T[]).concat(hooks)
}
