import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit from '../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../lib/redis.js'
import { clients } from '../../fixtures/redis/clients.js'
import { scriptsOf } from '../../fixtures/redis/monitor.js'
import { type Server, startRedis } from '../../fixtures/redis/server.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const

type Emitter = { eventNames(): (string | symbol)[]; listenerCount(name: string | symbol): number }

/** How many listeners there are, by event. */
function listenersOf(client: object): Record<string, number> {
  const emitter = client as Emitter
  return Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]))
}

async function appOver(t: Test, client: RedisClient, lease = 1) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { ...only(100), store: redisStore({ client, lease, timeout: 10_000 }) })
  app.get('/', async () => 'ok')
  return app
}

async function remaining(t: Test, server: Server): Promise<number> {
  const { client, close } = await clients[0].single(server)
  t.teardown(close)
  const app = await appOver(t, client as RedisClient)
  return (await app.rateLimit.get('default').peek('127.0.0.1')).remaining
}

for (const flavour of clients) {
  test(`an app that is closed leaves its client open, with no listener and no lease: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const { client, call, close } = await flavour.single(server)
    t.teardown(close)
    const before = listenersOf(client)
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const app = await appOver(t, client as RedisClient, 20)
    for (let i = 0; i < 20; i++) t.equal((await app.inject('/')).statusCode, 200)
    const running = timers()
    await app.close()
    t.same(listenersOf(client), before)
    t.ok(timers() <= running)
    t.equal(await call(undefined, 'PING'), 'PONG')
    t.equal(await remaining(t, server), 80)
  })
}

test('an app that never saw a request is closed without a decision', async (t) => {
  const server = await startRedis(t)
  const { client, close } = await clients[0].single(server)
  t.teardown(close)
  const app = await appOver(t, client as RedisClient)
  await app.ready()
  await app.close()
  t.equal(await scriptsOf(server), 0)
})

test('many registrations over one client do not look like a leak of listeners', async (t) => {
  const server = await startRedis(t)
  const { client, close } = await clients[0].single(server)
  t.teardown(close)
  const warnings: Error[] = []
  const listener = (warning: Error) => warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const apps = await Promise.all(Array.from({ length: 12 }, () => appOver(t, client as RedisClient)))
  for (const app of apps) await app.inject('/')
  await new Promise((resolve) => setImmediate(resolve))
  t.same(
    warnings.map(({ name }) => name),
    [],
  )
})
