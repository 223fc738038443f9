import type { FastifyInstance, RouteOptions } from 'fastify'
import type { BodyStyle, HeaderFamily } from '../../../types/index.js'
import {
  documentLimits,
  extendOperation,
  type Limit,
  type LimitFacts,
  type RouteSchema,
} from '../../openapi/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { RoutePlan } from './plan.js'

/**
 * The documented limits of a route, by its options. A nested registration starts again from the author's
 * schema.
 */
const documented = new WeakMap<RouteOptions, { schema: RouteSchema | undefined; limits: readonly Limit[] }>()

type Scope = Pick<FastifyInstance, 'hasPlugin' | 'errorHandler'>

/** A route and its options, which @fastify/swagger keeps by reference, too. */
interface LimitedRoute {
  readonly options: RouteOptions
  readonly plan: RoutePlan
  readonly scope: Scope
}

/**
 * Documents the limits of routes for @fastify/swagger, after Fastify has compiled their schemas. A
 * compiled 429 would change what the application sends.
 */
export class Documentation {
  readonly #families: readonly HeaderFamily[]
  readonly #body: BodyStyle
  readonly #guard: readonly RequestLimiter[]

  /** `guard`: the limiters that every route meets, unless it is exempt. */
  constructor(families: readonly HeaderFamily[], body: BodyStyle, guard: readonly RequestLimiter[]) {
    this.#families = families
    this.#body = body
    this.#guard = guard
  }

  /** Documents routes whose plans are final. */
  write(routes: readonly LimitedRoute[]): void {
    const seen = routes.filter(({ scope }) => scope.hasPlugin('@fastify/swagger'))
    const write = seen.some(({ options }) => isForeign(options.schema as RouteSchema | undefined))
      ? extendOperation
      : documentLimits
    // Limits of a source may have changed the guard meanwhile.
    const guard = this.#guard.flatMap((member) => limitsOf(member, true))
    for (const { options, plan, scope } of seen) {
      const chosen = plan.steps !== null && plan.steps.stage === null
      const own = plan.members.flatMap((member) => limitsOf(member, false))
      if (plan.exempt || (!chosen && guard.length + own.length === 0)) continue
      const before = documented.get(options) ?? { schema: options.schema as RouteSchema, limits: [] }
      const limits = [...before.limits, ...guard, ...own]
      documented.set(options, { schema: before.schema, limits })
      const facts = { limits, chosen, families: this.#families, body: this.#bodyOf(options, scope) }
      options.schema = write(before.schema, facts)
    }
  }

  /** The application's own error handler replaces our body. */
  #bodyOf(options: RouteOptions, scope: Scope): LimitFacts['body'] {
    const isOwn = options.errorHandler !== undefined || scope.errorHandler.name !== 'defaultErrorHandler'
    return isOwn || typeof this.#body === 'function' ? 'custom' : this.#body
  }
}

/** A limit for each policy of a limiter that may deny. */
function limitsOf({ limiter, strategy, cost, status }: RequestLimiter, isGuard: boolean): Limit[] {
  const key = strategy.isNamed ? strategy.name : null
  const units = typeof cost === 'number' ? cost : null
  const policies = limiter.policies.filter(({ enforce }) => enforce > 0)
  return policies.map((policy) => ({ policy, key, cost: units, isGuard, status }))
}

/**
 * Whether a schema has parts that are no JSON Schema, such as those of Zod. A `transform` of the application
 * translates them, and would fail for a response of another kind.
 */
function isForeign(schema: RouteSchema = {}): boolean {
  const { body, querystring, params, headers, response } = schema
  return [body, querystring, params, headers, ...Object.values(response ?? {})].some(
    (part) =>
      typeof part === 'object' &&
      part !== null &&
      ![Object.prototype, null].includes(Object.getPrototypeOf(part)),
  )
}
