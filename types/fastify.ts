import type { RateLimitRegistry, RequestRateLimit, RouteRateLimit } from './options.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Limits of this route; `false` exempts it. Left out: the default limiter. */
    rateLimit?: RouteRateLimit
  }
  interface FastifyInstance {
    /** The limiters of this registration. */
    rateLimit: RateLimitRegistry
  }
  interface FastifyRequest {
    /** `null` until a limiter decided. */
    readonly rateLimit: RequestRateLimit | null
  }
}
