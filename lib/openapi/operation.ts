import type { HeaderFamily } from '../../types/index.js'
import { fastifySchema, problemSchema } from './body.js'
import { deniedHeaders, limitHeaders } from './headers.js'
import { describeLimits, type Limit } from './sentences.js'

/** The schema of a route, as far as it is of interest here. */
export interface RouteSchema {
  readonly response?: unknown
  readonly [part: string]: unknown
}

/** What is to be said of the limits of a route. */
export interface LimitFacts {
  /** All that may deny a request, but for a limiter that is chosen for each request. */
  readonly limits: readonly Limit[]
  /** Is a limiter chosen for each request? Nobody can tell beforehand which one. */
  readonly chosen: boolean
  /** The headers sent. */
  readonly families: readonly HeaderFamily[]
  /** The body of a 429; 'custom' where only the application knows it. */
  readonly body: 'fastify' | 'problem' | 'custom'
}

type Response = Readonly<Record<string, unknown>>
type Responses = Readonly<Record<string, unknown>>

/**
 * A route's schema with its limits: the operation's extension `x-rate-limit`, a 429 unless there is one, and the headers on
 * responses of success and of clients' errors. For documentation only: to serialize with it would change what is sent.
 * The schema given, which routes may share, stays as it is.
 */
export function documentLimits(schema: RouteSchema | undefined, facts: LimitFacts): RouteSchema {
  const given = (schema?.response ?? {}) as Responses
  const responses = Object.entries(given).map(([status, response]) => [
    status,
    /^[24]/.test(status) && status !== '429' ? withHeaders(response, facts) : response,
  ])
  // A route without responses is documented with this one, until it has another.
  if (responses.length === 0) responses.push(['200', withHeaders(emptyResponse('Default Response'), facts)])
  if (!('429' in given)) responses.push(['429', denied(given, schema?.produces !== undefined, facts)])
  return { ...extendOperation(schema, facts), response: Object.fromEntries(responses) }
}

/** A route's schema with `x-rate-limit` alone. */
export function extendOperation(
  schema: RouteSchema | undefined,
  { limits, chosen }: LimitFacts,
): RouteSchema {
  const policies = limits.map(({ policy: { name, algorithm, limit, rate, per } }) => ({
    name,
    algorithm,
    limit,
    rate,
    per,
  }))
  return { 'x-rate-limit': { policies, ...(chosen ? { chosen: 'per request' } : {}) }, ...schema }
}

/** A response with the headers that it lacks. */
function withHeaders(response: unknown, { families }: LimitFacts): unknown {
  if (typeof response !== 'object' || response === null) return response
  return { ...response, headers: merge(limitHeaders(families), response) }
}

function merge(ours: Readonly<Record<string, unknown>>, response: { headers?: object }): object {
  const theirs = response.headers ?? {}
  const known = new Set(Object.keys(theirs).map((name) => name.toLowerCase()))
  const missing = Object.entries(ours).filter(([name]) => !known.has(name.toLowerCase()))
  return { ...Object.fromEntries(missing), ...theirs }
}

/** A 429 as it is sent. The application's schema for all errors of clients shapes it, as it does the body. */
function denied(given: Responses, hasTypes: boolean, facts: LimitFacts): Response {
  const { families, body } = facts
  const headers = deniedHeaders(families)
  const description = `Too many requests. ${describeLimits(facts.limits, facts.chosen)}`
  if (body === 'problem') {
    return {
      description,
      headers,
      content: { 'application/problem+json': { schema: problemSchema() } },
    }
  }
  const general = given['4xx'] ?? given['4XX'] ?? given.default
  if (typeof general === 'object' && general !== null) {
    // Behind a reference, @fastify/swagger finds only `description`.
    const where = '$ref' in general ? 'description' : 'x-response-description'
    return { ...general, [where]: description, headers: merge(headers, general) }
  }
  if (body === 'custom') return { ...emptyResponse(description), headers }
  // `produces` tells the types of successes. Without it, this form serves Swagger 2.0, too, which knows no `content`.
  return hasTypes
    ? { description, headers, content: { 'application/json': { schema: fastifySchema() } } }
    : { ...fastifySchema(), 'x-response-description': description, headers }
}

/** `type: 'null'` is how a route's schema tells that there is no content to document. */
function emptyResponse(description: string): Response {
  return { description, type: 'null' }
}
