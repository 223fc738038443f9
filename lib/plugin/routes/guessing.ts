import type { FastifyInstance } from 'fastify'
import type { RequestLimiter } from '../lifecycle/stage.js'
import type { RoutePlan } from './planner.js'

/**
 * Whether a route has the default limiter, whose key is known only after authentication, and nothing that counts before. Whoever guesses
 * credentials is answered by the authentication, and no limiter sees it.
 */
export function isOpenToGuessing(
  app: FastifyInstance,
  byDefault: RequestLimiter,
  plans: readonly RoutePlan[],
): boolean {
  if (byDefault.strategy.onArrival || hasGuard(app)) return false
  return plans.some(({ arrival, members }) => arrival === null && members.includes(byDefault))
}

/** Whether this registration or one around it has a guard. */
function hasGuard(app: FastifyInstance): boolean {
  for (let scope = app; scope.rateLimit !== undefined; scope = Object.getPrototypeOf(scope))
    if (scope.rateLimit.has('guard')) return true
  return false
}
