import Fastify, { type FastifyInstance } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { createLimiter, memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { redisStore } from '../../../lib/redis.js'
import { createSharedMemory, sharedStore } from '../../../lib/threads.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { polluted } from '../../fixtures/polluted.js'

const store = () => memoryStore({ clock: new ManualClock() })
const ok = () => 'ok'

async function limited(t: Test, options: RateLimitOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: store(), rate: 1, ...options })
  return app
}

/** The statuses of two requests, of which the second is one too many. */
async function two(app: FastifyInstance): Promise<number[]> {
  const first = await app.inject('/')
  return [first.statusCode, (await app.inject('/')).statusCode]
}

const ALL_ALLOWED = () => true

/** Each of these, read as an option, would switch limits off, or loosen them. */
const OPTIONS: Record<string, unknown> = {
  cost: 0,
  rate: 1000,
  burst: 1000,
  per: 1,
  allow: ALL_ALLOWED,
  exempt: ['*'],
  key: () => String(Math.random()),
  env: 'FLOODGATE_TEST_',
  store: null,
  guard: { rate: 0 },
  onDenied: 5,
  warnings: { FST_FLOODGATE_W001: 5 },
}

for (const [name, value] of Object.entries(OPTIONS)) {
  test(`an option ${name} that somebody wrote into Object.prototype is none of the plugin's`, async (t) => {
    process.env.FLOODGATE_TEST_RATE_LIMIT_PER_MIN = '1000'
    const app = Fastify()
    t.teardown(() => app.close())
    // A window has no burst, so this one is full after its rate.
    const own = { store: store(), algorithm: 'sliding-window', rate: 1, per: 'hour', key: 'ip' } as const
    const options = Object.fromEntries(Object.entries(own).filter(([option]) => option !== name))
    await polluted({ [name]: value }, async () => app.register(rateLimit, options as RateLimitOptions))
    app.get('/', ok)
    const [policy] = app.rateLimit.get('default').policies
    t.same([policy.rate, policy.per], [name === 'rate' ? 100 : 1, name === 'per' ? 60_000 : 3_600_000])
    if (name !== 'rate') t.same(await two(app), [200, 429])
  })
}

test('nor is one of a guard, of a limiter, of a list of policies or of a route', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const loose = { cost: 0, rate: 1000, burst: 1000, name: 'loose', hook: 'preHandler', key: 'global' }
  await polluted(loose, async () => {
    const own = { algorithm: 'sliding-window', per: 'hour' } as const
    await app.register(rateLimit, {
      store: store(),
      ...own,
      guard: {},
      limiters: { one: {}, two: [{}, { per: 'minute' }] },
    })
    app.get('/', { config: { rateLimit: { per: 'hour' } } }, ok)
  })
  const policies = [...app.rateLimit].flatMap(({ policies }) => policies)
  t.same(
    policies.map(({ name, rate, limit }) => [name, rate, limit]),
    [
      ['default', 100, 100],
      ['one', 100, 100],
      ['two-100-per-hour', 100, 100],
      ['two-100-per-minute', 100, 100],
      ['guard', 100, 10],
      ['GET /', 100, 100],
    ],
  )
  await app.inject('/')
  t.match((await app.inject('/')).headers['x-ratelimit-remaining'], '8', 'the guard is first to deny')
})

for (const value of [false, 'loose', { rate: 1000 }, () => false]) {
  test(`a rateLimit in Object.prototype is no route's config: ${typeof value}`, async (t) => {
    const early = Fastify()
    t.teardown(() => early.close())
    early.get('/', ok)
    await early.register(rateLimit, { store: store(), rate: 1, limiters: { loose: { rate: 1000 } } })
    const app = await limited(t, { limiters: { loose: { rate: 1000 } } })
    await polluted({ rateLimit: value }, async () => {
      app.get('/', ok)
      app.get('/config', { config: {} }, ok)
      t.same(await two(app), [200, 429])
      t.equal((await app.inject('/config')).statusCode, 429)
      t.equal((await app.inject('/none')).statusCode, 429)
      t.same(await two(early), [200, 429])
    })
  })
}

test('a hook in Object.prototype does not get in the way of a hook placed by hand', async (t) => {
  const app = await limited(t, { exempt: ['*'] })
  const onRequest = await polluted({ hook: 'preHandler', cost: 0 }, () => app.rateLimit.hook({ rate: 1 }))
  app.get('/', { onRequest }, ok)
  t.same(await two(app), [200, 429])
})

test('a limiter without HTTP reads its options, its settings and the cost of a call from what is their own', async (t) => {
  await polluted({ policies: [], burst: 50, cost: 0, store: null, name: 'loose' }, async () => {
    const limiter = createLimiter({ name: 'a', rate: 1 })
    t.same([limiter.name, limiter.policies[0].limit], ['a', 1])
    t.equal(limiter.take('k', {}).allowed, true)
    t.equal(limiter.take('k', {}).allowed, false, 'the first one cost a unit')
    t.equal(limiter.peek('k', {}).allowed, false)
  })
  await polluted({ name: 'loose' }, () =>
    t.throws(() => createLimiter({ rate: 1 } as never), /'name' is undefined/),
  )
})

test('stores read their options from what is their own', async (t) => {
  await polluted({ maxKeys: 1, clock: 5, maxThreads: 1, prefix: '', timeout: 0, client: 5 }, async () => {
    t.equal(memoryStore().stats().maxKeys, 100_000)
    t.equal(memoryStore({}).stats().maxKeys, 100_000)
    t.ok(sharedStore({ memory: createSharedMemory({ maxThreads: 2 }) }).stats().maxKeys > 1)
    const client = { status: 'ready', evalsha() {}, eval() {}, disconnect() {}, on() {}, off() {} }
    t.equal(redisStore({ client } as never).sync, false)
  })
})
