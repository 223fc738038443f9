// A server that counts its limits in Redis, so that all processes share them.
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { Redis } from 'ioredis'
import rateLimit from '../../lib/index.js'
import { redisStore } from '../../lib/redis.js'

export async function buildApp(url: string, options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options)
  const client = new Redis(url)
  app.addHook('onClose', async () => client.disconnect())
  await app.register(rateLimit, {
    rate: 60,
    per: 'minute',
    burst: 6,
    // While Redis is down, each of the two processes allows half.
    store: redisStore({ client, prefix: 'example', instances: 2 }),
  })
  app.get('/', async (request) => ({ process: process.pid, left: request.rateLimit?.decision.remaining }))
  app.get('/health', { config: { rateLimit: false } }, async () => 'ok')
  // For operators: protect such routes. What one process changes holds in all of them within 2 seconds.
  app.put<{ Body: { burst: number } }>('/burst', { config: { rateLimit: false } }, async ({ body, ip }) => {
    app.rateLimit.update('default', { burst: body.burst }, { who: ip })
    return app.rateLimit.optionsOf('default')
  })
  return app
}
