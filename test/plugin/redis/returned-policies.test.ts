import Fastify, { type FastifyRequest } from 'fastify'
import { test } from 'tap'
import rateLimit from '../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../lib/redis.js'
import type { RedisStoreOptions } from '../../../lib/store/redis/options.js'
import { clients } from '../../fixtures/redis/clients.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { only } from '../support/app.js'
import { codes, emitted } from '../support/warnings.js'
import { ask, left, limited } from './support.js'

const SETTINGS: Record<string, Partial<RedisStoreOptions>> = {
  'without a deny cache': { denyCache: 0 },
  'with a deny cache': { denyCache: 100 },
  'with leases': { lease: 2 },
  'on several shards': { shards: 16 },
}

const known = (request: FastifyRequest) => request as unknown as { user?: string }

async function authenticate(request: FastifyRequest): Promise<void> {
  known(request).user = request.headers['x-user'] as string
}

for (const [how, store] of Object.entries(SETTINGS)) {
  test(`policies that a function returns have counts of their own, and find them again: ${how}`, async (t) => {
    const warnings = emitted(t)
    const { app } = await limited(t, { keys: { user: (request) => known(request).user }, key: 'user' }, store)
    const plan = { burst: 3 }
    app.get(
      '/',
      { preHandler: authenticate, config: { rateLimit: async () => only(plan.burst) } },
      async () => 'ok',
    )
    const admitted = async (name: string, times: number) => {
      let count = 0
      for (let i = 0; i < times; i++) if ((await ask(app, '/', { 'x-user': name })).startsWith('200')) count++
      return count
    }
    t.equal(await admitted('ann', 5), 3)
    t.equal(await admitted('bob', 2), 2)
    plan.burst = 5
    t.equal(await admitted('ann', 7), 5, 'a changed law starts with all units')
    plan.burst = 3
    t.equal(await admitted('ann', 2), 0, 'one that comes back finds what was spent')
    t.equal(await admitted('bob', 2), 1)
    t.same(codes(warnings), [])
  })

  test(`a user whom preHandler knows is denied, and nobody else is charged: ${how}`, async (t) => {
    const warnings = emitted(t)
    const limiters = { user: { ...only(1), key: (request: FastifyRequest) => known(request).user } }
    const { app } = await limited(t, { ...only(10), limiters }, store)
    app.get(
      '/',
      { preHandler: authenticate, config: { rateLimit: ['default', 'user'] } },
      async (request) => request.rateLimit?.decisions.length,
    )
    t.equal(await ask(app, '/', { 'x-user': 'ann' }), '200 0')
    for (let i = 0; i < 3; i++) t.equal(await ask(app, '/', { 'x-user': 'ann' }), '429 0')
    t.equal(await ask(app, '/', { 'x-user': 'bob' }), '200 0')
    t.equal(await left(app), 8)
    t.same(codes(warnings), [])
  })
}

test('processes share the counts of returned policies, whichever policy each of them saw first', async (t) => {
  const server = await startRedis(t)
  const start = async () => {
    const { client, close } = await clients[0].single(server)
    t.teardown(close)
    const app = Fastify()
    t.teardown(() => app.close())
    const store = redisStore({ client: client as RedisClient, timeout: 10_000 })
    await app.register(rateLimit, { store, keys: { user: (request) => known(request).user }, key: 'user' })
    const plan = (request: FastifyRequest) => only(Number(request.headers['x-plan']))
    const window = (request: FastifyRequest) =>
      ({ algorithm: 'sliding-window', rate: Number(request.headers['x-plan']), per: 'hour' }) as const
    app.get('/', { preHandler: authenticate, config: { rateLimit: plan } }, async () => 'ok')
    app.get('/window', { preHandler: authenticate, config: { rateLimit: window } }, async () => 'ok')
    return app
  }
  const apps = [await start(), await start()]
  for (const url of ['/', '/window']) {
    const ask = async (nth: number, plan: number) => {
      const headers = { 'x-user': 'ann', 'x-plan': String(plan) }
      return (await apps[nth].inject({ url, headers })).statusCode
    }
    t.same([await ask(0, 1), await ask(1, 2)], [200, 200], url)
    t.same([await ask(1, 1), await ask(0, 2)], [429, 200], url)
    t.same([await ask(0, 2), await ask(1, 2)], [429, 429], url)
  }
})
