import type { RateLimitRegistry } from './registry.js'
import type { RequestRateLimit } from './request.js'
import type { RouteRateLimit } from './route.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The limits of this route; `false` exempts it. Default: the default limiter. */
    rateLimit?: RouteRateLimit
  }
  interface FastifyInstance {
    /** The limiters of this registration, by name. */
    rateLimit: RateLimitRegistry
  }
  interface FastifyRequest {
    /** The decisions about this request; `null` until a limiter has decided. */
    readonly rateLimit: RequestRateLimit | null
  }
}
