import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { redisLimits } from '../../../lib/limits.js'
import type { RedisClient } from '../../../lib/redis.js'
import { clients } from '../../fixtures/redis/clients.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { storeOf } from '../../store/redis/one-server.js'

test('one document reaches all processes; what is not allowed reaches none', async (t) => {
  const server = await startRedis(t)
  const apps = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const { client, close } = await clients[0].single(server)
      t.teardown(close)
      const redis = client as RedisClient
      const app = Fastify()
      t.teardown(() => app.close())
      const limits = redisLimits({ client: redis, key: 'limits' })
      await app.register(rateLimit, { store: storeOf(redis), limits, rate: 9 } as RateLimitOptions)
      await app.ready()
      return app
    }),
  )
  const rates = () => apps.map((app) => app.rateLimit.get('default').policies[0].rate)
  t.same(rates(), [9, 9, 9])
  const push = async (document: object, result: 'ok' | 'invalid') => {
    const counts = () => apps.map((app) => app.rateLimit.stats().limits?.[result] as number)
    const before = counts()
    await server.command('SET', 'limits', JSON.stringify(document))
    while (counts().some((count, i) => count === before[i])) await sleep(20)
  }
  await push({ limiters: { default: { rate: 5 } } }, 'ok')
  t.same(rates(), [5, 5, 5])
  await push({ limiters: { default: { rate: 7 }, other: {} } }, 'invalid')
  t.same(rates(), [5, 5, 5])
  await push({}, 'ok')
  t.same(rates(), [9, 9, 9])
})
