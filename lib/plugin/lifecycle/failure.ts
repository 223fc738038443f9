import type { RequestLimiter } from '../config/request-limiter.js'
import { thrownValue } from '../errors.js'

/**
 * The error of a request whose function failed. Functions may throw anything, and Fastify would go on with a
 * request whose error is `undefined`, `null` or another value that is false.
 */
export function asError(thrown: unknown, members: readonly RequestLimiter[]): Error {
  if (typeof thrown === 'object' && thrown !== null) return thrown as Error
  return thrownValue(
    thrown,
    members.map(({ limiter }) => limiter.name),
  )
}
