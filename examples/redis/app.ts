// A server whose limits are counted in Redis, so that they hold for all processes together.
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
    // Without Redis each of the two processes allows half.
    store: redisStore({ client, prefix: 'example', instances: 2 }),
  })
  app.get('/', async (request) => ({ process: process.pid, left: request.rateLimit?.decision.remaining }))
  app.get('/health', { config: { rateLimit: false } }, async () => 'ok')
  return app
}
