import type { FastifyRequest } from 'fastify'

/**
 * A CORS preflight, answered by a route that answers nothing else: to the browser a denial would look like a CORS failure.
 * Anybody can dress a request up like one, so it gets nowhere else by it.
 */
export function isPreflight(request: FastifyRequest): boolean {
  const { method, headers } = request
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    isOptionsOnly(request.routeOptions.method)
  )
}

function isOptionsOnly(method: string | string[] | undefined): boolean {
  return method === 'OPTIONS' || (Array.isArray(method) && method.every((one) => one === 'OPTIONS'))
}
