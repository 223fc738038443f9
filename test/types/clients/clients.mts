// Every client that README names is a `client`, as it comes; hooks placed by hand are hooks of routes. Only
// compiled.
import type {} from '@fastify/redis'
import type { FastifyInstance } from 'fastify'
import rateLimit from 'fastify-floodgate'
import { type RedisClient, redisStore } from 'fastify-floodgate/redis'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey } from 'iovalkey'
import { createClient, createCluster, createSentinel } from 'redis'
import {
  createClient as createClient5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from 'redis5'

export async function use(app: FastifyInstance) {
  const clients: RedisClient[] = [
    app.redis,
    new Redis(),
    new Cluster([]),
    new Redis5(),
    new Cluster5([]),
    new Valkey(),
    new Valkey.Cluster([]),
    createClient(),
    createClient({ RESP: 3, url: 'redis://127.0.0.1' }),
    createCluster({ rootNodes: [] }),
    createSentinel({ name: 'main', sentinelRootNodes: [] }),
    createClient5(),
    createCluster5({ rootNodes: [] }),
    createSentinel5({ name: 'main', sentinelRootNodes: [] }),
  ]
  for (const client of clients) await app.register(rateLimit, { store: redisStore({ client }) })

  const [onRequest, preHandler] = [app.rateLimit.hook('default'), app.rateLimit.hook({ rate: 5 })]
  app.get('/', { onRequest, preHandler: [preHandler] }, async (request) => request.rateLimit?.key)
  app.setNotFoundHandler({ preHandler }, async () => 'nothing here')
}
