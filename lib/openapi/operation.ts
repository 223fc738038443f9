import type { HeaderFamily } from '../../types/index.js'
import { fastifySchema, problemSchema } from './body.js'
import { deniedHeaders, limitHeaders } from './headers.js'
import { describeLimits, type Limit } from './sentences.js'

/** The parts of a route's schema that matter here. */
export interface RouteSchema {
  readonly response?: unknown
  readonly [part: string]: unknown
}

/** The facts about the limits of a route that the document states. */
export interface LimitFacts {
  /** All limits that may deny a request, except those that a function chooses for each request. */
  readonly limits: readonly Limit[]
  /** Whether a function chooses a limiter for each request. It is not known beforehand which one. */
  readonly chosen: boolean
  /** The families of headers that are sent. */
  readonly families: readonly HeaderFamily[]
  /** The body of a 429. `'custom'`: only the application knows it. */
  readonly body: 'fastify' | 'problem' | 'custom'
}

type Response = Readonly<Record<string, unknown>>
type Responses = Readonly<Record<string, unknown>>

/**
 * Returns a route's schema with its limits: the extension `x-rate-limit`, a 429 unless the schema has one,
 * and the headers on 2xx and 4xx responses. It is for documentation only: a serializer made from it would
 * change what is sent. The given schema, which routes may share, does not change.
 */
export function documentLimits(schema: RouteSchema | undefined, facts: LimitFacts): RouteSchema {
  const given = (schema?.response ?? {}) as Responses
  const statuses = statusesOf(facts)
  const responses = Object.entries(given).map(([status, response]) => [
    status,
    /^[24]/.test(status) && !statuses.some((denial) => denial === status)
      ? withHeaders(response, facts)
      : response,
  ])
  // @fastify/swagger adds this response where a route has none. Our 429 would remove it.
  if (responses.length === 0) responses.push(['200', withHeaders(emptyResponse('Default Response'), facts)])
  for (const status of statuses)
    if (!(status in given))
      responses.push([status, denied(status, given, schema?.produces !== undefined, facts)])
  return { ...extendOperation(schema, facts), response: Object.fromEntries(responses) }
}

/** A route's schema with `x-rate-limit` alone. */
export function extendOperation(
  schema: RouteSchema | undefined,
  { limits, chosen }: LimitFacts,
): RouteSchema {
  const policies = limits.map(({ policy: { name, algorithm, limit, rate, per } }) =>
    algorithm === 'concurrency' ? { name, algorithm, limit } : { name, algorithm, limit, rate, per },
  )
  return { 'x-rate-limit': { policies, ...(chosen ? { chosen: 'per request' } : {}) }, ...schema }
}

/** The statuses of denials: 429, and 503 where a limiter sheds load. */
function statusesOf({ limits, chosen }: LimitFacts): ('429' | '503')[] {
  const denials = new Set(limits.map(({ status }) => status))
  if (chosen || denials.size === 0) denials.add(429)
  return ([429, 503] as const).filter((status) => denials.has(status)).map(String) as ('429' | '503')[]
}

/** Adds the headers that a response lacks. */
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

/**
 * A denial as it is sent. Where the application has a schema for all 4xx, or 5xx, that shapes it, as it
 * shapes the body.
 */
function denied(status: '429' | '503', given: Responses, hasTypes: boolean, facts: LimitFacts): Response {
  const { families, body } = facts
  const headers = deniedHeaders(families)
  const limits = facts.limits.filter((limit) => String(limit.status) === status)
  const beginning = status === '429' ? 'Too many requests.' : 'The service is busy.'
  const description = `${beginning} ${describeLimits(limits, facts.chosen && status === '429')}`
  if (body === 'problem') {
    return {
      description,
      headers,
      content: { 'application/problem+json': { schema: problemSchema(status) } },
    }
  }
  const family = `${status[0]}xx`
  const general = given[family] ?? given[family.toUpperCase()] ?? given.default
  if (typeof general === 'object' && general !== null) {
    // Beside a `$ref`, @fastify/swagger reads only `description`.
    const where = '$ref' in general ? 'description' : 'x-response-description'
    return { ...general, [where]: description, headers: merge(headers, general) }
  }
  if (body === 'custom') return { ...emptyResponse(description), headers }
  // `produces` is about 2xx responses. Without it, the second form also serves Swagger 2.0, which has no
  // `content`.
  return hasTypes
    ? { description, headers, content: { 'application/json': { schema: fastifySchema(status) } } }
    : { ...fastifySchema(status), 'x-response-description': description, headers }
}

/** A response without content: in a route's schema that is `type: 'null'`. */
function emptyResponse(description: string): Response {
  return { description, type: 'null' }
}
