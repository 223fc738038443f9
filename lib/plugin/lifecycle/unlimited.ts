import type { FastifyRequest } from 'fastify'
import type { AllowedClients } from '../config/allowed-clients.js'

/** Whether no limiter may see a request: a CORS preflight, or one of an address that is allowed. */
export function isUnlimited(request: FastifyRequest, allowed: AllowedClients): boolean {
  return isPreflight(request) || allowed.hasAddressOf(request)
}

/**
 * Whether a request is a CORS preflight for a route that serves OPTIONS only. A browser reports a denied
 * preflight as a failure of CORS. Any client can send such a request, but it reaches no other route with it.
 */
function isPreflight(request: FastifyRequest): boolean {
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
