import type { FastifyInstance } from 'fastify'
import type { RequestLimiter } from '../config/request-limiter.js'
import { registryOf } from '../registry.js'
import type { RoutePlan } from './plan.js'

/**
 * Whether a route uses the default limiter, whose key is known only after authentication, and no limiter runs
 * on arrival. Authentication then answers those who guess credentials, and no limiter sees them.
 */
export function isOpenToGuessing(
  app: FastifyInstance,
  byDefault: RequestLimiter,
  plans: readonly RoutePlan[],
): boolean {
  if (byDefault.strategy.onArrival || hasGuard(app)) return false
  return plans.some(({ arrival, members }) => arrival === null && members.includes(byDefault))
}

/** Whether this registration or one around it has a guard that denies anybody. */
function hasGuard(app: FastifyInstance): boolean {
  for (let scope = app; scope.rateLimit !== undefined; scope = Object.getPrototypeOf(scope)) {
    const registry = registryOf(scope)
    if (registry?.has('guard') && registry.get('guard').policies.some(({ enforce }) => enforce > 0))
      return true
  }
  return false
}
