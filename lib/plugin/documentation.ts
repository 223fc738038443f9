import type { FastifyInstance, RouteOptions } from 'fastify'
import type { BodyStyle, HeaderFamily, Policy } from '../../types/index.js'
import { documentLimits, extendOperation, type LimitFacts, type RouteSchema } from '../openapi/index.js'
import type { RoutePlan } from './routes.js'

/** What was documented of a route, by its options: a nested registration documents it anew, from what its author wrote. */
const documented = new WeakMap<
  RouteOptions,
  { schema: RouteSchema | undefined; policies: readonly Policy[] }
>()

type Scope = Pick<FastifyInstance, 'hasPlugin' | 'errorHandler'>

/** A route, with the options that @fastify/swagger keeps by reference, too. */
interface LimitedRoute {
  readonly options: RouteOptions
  readonly plan: RoutePlan
  readonly scope: Scope
}

/**
 * Documents the limits of routes for @fastify/swagger, once Fastify has compiled their schemas: a 429 that it compiled would
 * change what the application sends.
 */
export class Documentation {
  readonly #families: readonly HeaderFamily[]
  readonly #body: BodyStyle
  readonly #guard: readonly Policy[]

  /** `guard`: the policies that every route meets that is not exempt. */
  constructor(families: readonly HeaderFamily[], body: BodyStyle, guard: readonly Policy[]) {
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
    for (const { options, plan, scope } of seen) {
      const chosen = plan.later !== null && plan.later.runner === null
      if (plan.exempt || (!chosen && this.#guard.length + plan.policies.length === 0)) continue
      const before = documented.get(options) ?? { schema: options.schema as RouteSchema, policies: [] }
      const policies = [...before.policies, ...this.#guard, ...plan.policies]
      documented.set(options, { schema: before.schema, policies })
      const facts = { policies, chosen, families: this.#families, body: this.#bodyOf(options, scope) }
      options.schema = write(before.schema, facts)
    }
  }

  /** An error handler of the application's own comes before our body. */
  #bodyOf(options: RouteOptions, scope: Scope): LimitFacts['body'] {
    const isOwn = options.errorHandler !== undefined || scope.errorHandler.name !== 'defaultErrorHandler'
    return isOwn || typeof this.#body === 'function' ? 'custom' : this.#body
  }
}

/**
 * Whether a schema has parts that are no JSON Schema but, say, Zod's. A `transform` of the application's translates those, and
 * would choke on a response that is not of their kind.
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
