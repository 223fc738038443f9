import Fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../lib/redis.js'
import type { RedisStoreOptions } from '../../../lib/store/redis/options.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { clients } from '../../fixtures/redis/clients.js'
import { type Line, startProxy } from '../../fixtures/redis/proxy.js'
import { type Server, startRedis } from '../../fixtures/redis/server.js'
import { clockedStore } from '../../store/redis/support.js'

export interface Setting {
  app: FastifyInstance
  clock: ManualClock
  server: Server
  /** Between the app and the server. */
  line: Line
  client: RedisClient
}

export const user = (request: FastifyRequest) => request.headers['x-user'] as string

/**
 * An app whose limits are kept in a private server, on a clock that stands still; on real time where `store`
 * says how long to wait for an answer.
 */
export async function limited(
  t: Test,
  options: RateLimitOptions = {},
  store: Partial<RedisStoreOptions> = {},
  serverOptions: FastifyServerOptions = {},
): Promise<Setting> {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const { client, close } = await clients[0].single(line)
  t.teardown(close)
  const clock = new ManualClock()
  const app = Fastify(serverOptions)
  t.teardown(() => app.close())
  const redis = client as RedisClient
  const kept =
    store.timeout === undefined ? clockedStore(redis, clock, store) : redisStore({ client: redis, ...store })
  await app.register(rateLimit, { keys: { user }, store: kept, ...options } as RateLimitOptions)
  return { app, clock, server, line, client: redis }
}

/** Status and X-RateLimit-Remaining, `-` where no limiter spoke. */
export async function ask(
  app: FastifyInstance,
  url: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const reply = await app.inject({ url, headers })
  return `${reply.statusCode} ${reply.headers['x-ratelimit-remaining'] ?? '-'}`
}

export async function left(app: FastifyInstance, name = 'default', key = '127.0.0.1'): Promise<number> {
  return (await app.rateLimit.get(name).peek(key)).remaining
}
