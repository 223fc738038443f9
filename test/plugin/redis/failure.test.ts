import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit from '../../../lib/index.js'
import { redisStore } from '../../../lib/redis.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { until } from '../../fixtures/redis/until.js'
import { ask, left, limited } from './support.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const
const LIMITS = [
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'ratelimit',
  'ratelimit-policy',
]

test("with 'deny' a failure is a 503 with Retry-After and no limits, never a 429, by the app's error handler", async (t) => {
  const { app, line } = await limited(
    t,
    only(100_000),
    { onStoreFailure: 'deny', timeout: 50 },
    { logger: { level: 'silent' } },
  )
  app.get('/', async () => 'ok')
  app.get(
    '/own',
    { errorHandler: (error, _request, reply) => reply.code(503).send({ own: error.code }) },
    async () => 'ok',
  )
  await until('the store to answer', async () => (await ask(app, '/')).startsWith('200'))
  line.blackhole()
  for (let i = 0; i < 8; i++) {
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 503)
    t.equal(reply.headers['retry-after'], '1')
    t.match(reply.json(), { code: 'FST_FLOODGATE_STORE', statusCode: 503, error: 'Service Unavailable' })
    for (const name of LIMITS) t.notOk(name in reply.headers)
  }
  t.same((await app.inject('/own')).json(), { own: 'FST_FLOODGATE_STORE' })
  line.open()
})

test("with 'allow' a failure passes, with no header that anybody would have to answer for", async (t) => {
  const headers = ['x-ratelimit', 'draft-11'] as const
  const { app, line } = await limited(t, { ...only(2), headers }, { onStoreFailure: 'allow', timeout: 50 })
  app.get('/', async (request) => {
    await request.rateLimit?.take()
    await request.rateLimit?.refund()
    return request.rateLimit?.decision
  })
  line.blackhole()
  for (let i = 0; i < 8; i++) {
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 200)
    t.match(reply.json(), { allowed: true, source: 'none' })
    for (const name of LIMITS) t.notOk(name in reply.headers)
  }
  line.open()
})

test("with 'local' this process limits, and says so in the decision", async (t) => {
  const { app, line } = await limited(t, only(4), { instances: 2, timeout: 50 })
  app.get('/', async (request) => request.rateLimit?.decision)
  await until(
    'the store to answer',
    async () => !('source' in (await app.rateLimit.get('default').peek('other'))),
  )
  line.blackhole()
  t.match((await app.inject('/')).json(), { allowed: true, source: 'local', remaining: 1 })
  await app.inject('/')
  const denied = await app.inject('/')
  t.equal(denied.statusCode, 429)
  t.match(denied.headers, { 'x-ratelimit-remaining': '0' })
  line.open()
})

test('the log has one line for each change of state, whatever the number of requests', async (t) => {
  const lines: { level: number; msg: string; err?: unknown }[] = []
  const stream = {
    write: (text: string) => {
      const line = JSON.parse(text)
      if (!('reqId' in line)) lines.push(line)
    },
  }
  const logger = { level: 'info', stream }
  const { app, line } = await limited(t, { rate: 10_000, burst: 10_000 }, { timeout: 50 }, { logger })
  const warnings: unknown[] = []
  const listener = (warning: Error) => warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  app.get('/', async (request) => request.rateLimit?.decision)
  await until('the store to answer', async () => !('source' in (await app.inject('/')).json()))
  lines.length = 0
  line.blackhole()
  for (let i = 0; i < 30; i++) await app.inject('/')
  await Promise.all(Array.from({ length: 30 }, () => app.inject('/')))
  line.open()
  await until('the store to answer', async () => !('source' in (await app.inject('/')).json()))
  t.match(lines, [
    {
      level: 50,
      msg: 'the rate limit store does not answer: no reply within 50 ms; limits of this process apply',
      err: undefined,
    },
    { level: 30, msg: 'rate limit store answers again' },
  ])
  t.equal(lines.length, 2)
  t.same(warnings, [], 'the log was told, so the process is not')
})

test('what a request was charged by the store goes back to the store, also when it was looked at here in between', async (t) => {
  const { app, line } = await limited(t, only(10), { timeout: 2000 })
  app.get('/', async (request) => {
    await request.rateLimit?.take(4)
    line.blackhole()
    await request.rateLimit?.take(1)
    line.open()
    await until(
      'the store to answer',
      async () => !('source' in (await app.rateLimit.get('default').peek('other'))),
    )
    await request.rateLimit?.refund()
    return 'ok'
  })
  await until(
    'the store to answer',
    async () => !('source' in (await app.rateLimit.get('default').peek('other'))),
  )
  t.equal((await app.inject('/')).statusCode, 200)
  const units = await left(app)
  t.ok(units >= 9, `${units} left; the take that nobody waited for may have run`)
})

test('a denial whose undoing fails is a denial all the same', async (t) => {
  const { app, line } = await limited(
    t,
    { ...only(10), limiters: { late: { ...only(1), hook: 'preHandler' } } },
    { timeout: 2000 },
  )
  app.get(
    '/',
    {
      config: { rateLimit: ['default', 'late'] },
      preValidation: async (request) => {
        if (request.headers['x-user']) line.blackhole()
      },
    },
    async () => 'ok',
  )
  await until(
    'the store to answer',
    async () => !('source' in (await app.rateLimit.get('default').peek('other'))),
  )
  t.equal(await ask(app, '/'), '200 0')
  t.equal(await ask(app, '/'), '429 0')
  t.equal(await ask(app, '/', { 'x-user': 'ann' }), '429 0')
  line.open()
})

test('requests under way when the app is closed are answered', async (t) => {
  const { app, line } = await limited(t, only(10), { timeout: 100 })
  app.get('/', async () => 'ok')
  await app.ready()
  await until(
    'the store to answer',
    async () => !('source' in (await app.rateLimit.get('default').peek('other'))),
  )
  line.blackhole()
  const pending = app.inject('/')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await app.close()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, 2000, new Error('never answered'))
  })
  t.equal((await Promise.race([pending, late])).statusCode, 200)
  clearTimeout(timer)
  line.open()
})

test("@fastify/redis' app.redis is a client like any other", async (t) => {
  const { default: fastifyRedis } = await import('@fastify/redis')
  const server = await startRedis(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifyRedis, { host: '127.0.0.1', port: server.port })
  await app.register(rateLimit, { ...only(2), store: redisStore({ client: app.redis, timeout: 10_000 }) })
  app.get('/', async () => 'ok')
  t.same([await ask(app, '/'), await ask(app, '/'), await ask(app, '/')], ['200 1', '200 0', '429 0'])
})
