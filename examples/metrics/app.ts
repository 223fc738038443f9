// An app that is limited in several ways, and another that shows operators what its limits do.
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { Registry } from 'prom-client'
import rateLimit, { memoryStore } from '../../lib/index.js'
import { fileLimits } from '../../lib/limits.js'
import { prometheus } from '../../lib/metrics.js'
import { redisStore } from '../../lib/redis.js'

export interface Settings {
  /** A file of limits that may change while the app runs. */
  limits: string
  /** Counts in Redis. Default: in memory. */
  redis?: string | undefined
}

export async function buildApps({ limits, redis }: Settings) {
  const app = Fastify()
  const client = redis === undefined ? null : new Redis(redis)
  app.addHook('onClose', async () => client?.disconnect())

  await app.register(rateLimit, {
    store: client === null ? memoryStore({ maxKeys: 10_000 }) : redisStore({ client, prefix: 'metrics' }),
    limits: fileLimits(limits),
    rate: 600,
    per: 'minute',
    burst: 50,
    limiters: {
      search: [
        { name: 'search', rate: 60, per: 'minute', burst: 5, wait: '200 ms' },
        // It is tried: it denies nobody.
        { name: 'tried', rate: 30, per: 'minute', burst: 3, enforce: false },
      ],
      login: { algorithm: 'sliding-window', rate: 5, per: 'minute', block: '1 minute' },
    },
    offenders: {},
  })
  app.get('/', async () => 'hello')
  app.get('/search', { config: { rateLimit: 'search' } }, async () => 'found')
  app.post('/login', { config: { rateLimit: 'login' } }, async (_request, reply) =>
    reply.code(401).send('no'),
  )

  return { app, operators: forOperators(app) }
}

/** On a port that clients cannot reach, as names of routes and limits are nobody else's business. */
function forOperators(app: FastifyInstance) {
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  const operators = Fastify()
  operators.get('/metrics', async (_request, reply) => {
    reply.type(registry.contentType)
    return registry.metrics()
  })
  operators.get('/offenders', async () => app.rateLimit.offenders())
  return operators
}
