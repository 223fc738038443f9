import type { FastifyRequest } from 'fastify'

/**
 * A CORS preflight that some route answers: to the browser a denial would look like a CORS failure. It spends nothing, but
 * the guard sees it where the route answers other methods, too, since anybody can dress a request up like this.
 */
export function isPreflight(request: FastifyRequest): boolean {
  const { method, headers } = request
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    request.is404 === false
  )
}
