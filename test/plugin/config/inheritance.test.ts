import Fastify, { type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, {
  type Algorithm,
  memoryStore,
  type Policy,
  type RateLimitOptions,
  type RoutePolicy,
} from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

async function registered(t: Test, options: RateLimitOptions) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: memoryStore({ clock: new ManualClock() }), ...options })
  return app
}

const window: Algorithm = 'sliding-window'
const bucket: Algorithm = 'token-bucket'

/** What is inherited, the default limiter, a policy, and what becomes of it. */
const ROWS: [string, RateLimitOptions, RoutePolicy, Partial<Policy>][] = [
  [
    'everything, by an empty policy',
    { rate: 7, per: 'hour', burst: 3 },
    {},
    { algorithm: bucket, rate: 7, per: 3_600_000, limit: 3 },
  ],
  ['what nobody says, from nobody', {}, {}, { algorithm: bucket, rate: 100, per: 60_000, limit: 10 }],
  ['the period', { per: 'hour' }, { rate: 5 }, { rate: 5, per: 3_600_000, limit: 5 }],
  ['the rate', { rate: 7 }, { per: 'day' }, { rate: 7, per: 86_400_000, limit: 7 }],
  ['the burst that was given', { burst: 50 }, { per: 'day' }, { rate: 100, limit: 50 }],
  ['a burst that is less than a rate of its own', { burst: 5 }, { rate: 7 }, { rate: 7, limit: 5 }],
  ['no burst above a rate of its own', { burst: 50 }, { rate: 5 }, { rate: 5, limit: 5 }],
  ['no burst that was only a default', { rate: 100 }, { rate: 5 }, { rate: 5, limit: 5 }],
  ['the algorithm', { algorithm: window, rate: 7 }, { per: 'day' }, { algorithm: window, rate: 7, limit: 7 }],
  [
    'no burst where the policy is a window',
    { burst: 50 },
    { algorithm: window, rate: 5 },
    { algorithm: window, limit: 5 },
  ],
  ['a rate of 0 as written', { burst: 50 }, { rate: 0 }, { rate: 0, limit: 0 }],
  [
    'nothing where the policy says it all',
    { rate: 7, per: 'hour', burst: 3 },
    { algorithm: window, rate: 9, per: 'day' },
    { algorithm: window, rate: 9, per: 86_400_000, limit: 9 },
  ],
  ['the wait', { wait: 500 }, { rate: 5 }, { wait: 500 }],
  ['no wait where the policy is a window', { wait: 500 }, { algorithm: window }, { wait: 0 }],
  [
    'the block',
    { block: 'hour' },
    { algorithm: window, rate: 5 },
    { block: { for: 3_600_000, factor: 1, max: 31_622_400_000, forget: 86_400_000 } },
  ],
  [
    'nothing of another algorithm where the policy counts units in progress',
    { rate: 7, per: 'hour', burst: 3, wait: 500, block: 'hour' },
    { algorithm: 'concurrency', limit: 5 },
    { limit: 5, per: 60_000, wait: 0, block: null },
  ],
  [
    'the limit and the hold',
    { algorithm: 'concurrency', limit: 5, hold: 'hour' },
    { limit: 3 },
    { algorithm: 'concurrency', limit: 3, per: 3_600_000 },
  ],
  [
    'nothing of units in progress where the policy is a bucket',
    { algorithm: 'concurrency', limit: 5, hold: 'hour' },
    { algorithm: bucket },
    { algorithm: bucket, rate: 100, per: 60_000, limit: 10 },
  ],
  [
    'from a window to a bucket all but the burst, which it has not',
    { algorithm: window, rate: 70 },
    { algorithm: bucket },
    { algorithm: bucket, rate: 70, limit: 10 },
  ],
]

for (const [what, defaults, policy, expected] of ROWS) {
  test(`inherited: ${what}`, async (t) => {
    const app = await registered(t, { ...defaults, limiters: { named: policy } })
    app.get('/own', { config: { rateLimit: policy } }, () => 'ok')
    const own = [...app.rateLimit].find(({ name }) => name === 'GET /own')
    t.match(app.rateLimit.get('named').policies, [expected])
    t.match(own?.policies, [expected])
  })
}

test('the guard inherits nothing', async (t) => {
  const app = await registered(t, { algorithm: window, rate: 7, per: 'hour', guard: {} })
  t.match(app.rateLimit.get('guard').policies, [{ algorithm: bucket, rate: 100, per: 60_000, limit: 10 }])
})

test('the key strategy is inherited, by name and as a function', async (t) => {
  for (const key of ['user', () => 'ann']) {
    const app = await registered(t, { key, keys: { user: () => 'ann' }, limiters: { named: {} } })
    app.get('/own', { config: { rateLimit: {} } }, (request) => request.rateLimit?.key)
    app.get('/named', { config: { rateLimit: 'named' } }, (request) => request.rateLimit?.key)
    app.get('/other', { config: { rateLimit: { key: 'ip' } } }, (request) => request.rateLimit?.key)
    t.equal((await app.inject('/own')).body, 'ann')
    t.equal((await app.inject('/named')).body, 'ann')
    t.equal((await app.inject('/other')).body, '127.0.0.1')
  }
})

test('the cost is inherited, and a policy may say its own', async (t) => {
  const app = await registered(t, { rate: 10, cost: 5, limiters: { named: {}, cheap: { cost: 1 } } })
  app.get('/', () => 'ok')
  app.get('/own', { config: { rateLimit: {} } }, () => 'ok')
  app.get('/named', { config: { rateLimit: 'named' } }, () => 'ok')
  app.get('/cheap', { config: { rateLimit: 'cheap' } }, () => 'ok')
  for (const [url, left] of Object.entries({ '/': '5', '/own': '5', '/named': '5', '/cheap': '9' })) {
    t.equal((await app.inject(url)).headers['x-ratelimit-remaining'], left, url)
  }
})

test('the guard does not inherit the cost', async (t) => {
  const app = await registered(t, { rate: 10, cost: 5, guard: { rate: 10 } })
  app.get('/', () => 'ok')
  await app.inject('/')
  t.equal((await app.rateLimit.get('guard').peek('127.0.0.1')).remaining, 9)
})

test('the hook is inherited with the key: a policy with a key of its own runs where that key is known', async (t) => {
  const app = await registered(t, { key: () => 'ann', hook: 'preHandler' })
  const decided: Record<string, boolean> = {}
  const preValidation = async (request: FastifyRequest) => {
    decided[request.url] = request.rateLimit !== null
  }
  app.get('/inherits', { preValidation, config: { rateLimit: {} } }, () => 'ok')
  app.get('/by-ip', { preValidation, config: { rateLimit: { key: 'ip' } } }, () => 'ok')
  await app.inject('/inherits')
  await app.inject('/by-ip')
  t.same(decided, { '/inherits': false, '/by-ip': true })
})

test('a policy of a route has buckets of its own, even if it equals the default limiter', async (t) => {
  const app = await registered(t, { rate: 1 })
  app.get('/', () => 'ok')
  app.get('/own', { config: { rateLimit: {} } }, () => 'ok')
  app.get('/other', { config: { rateLimit: {} } }, () => 'ok')
  for (const url of ['/', '/own', '/other']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
    t.equal((await app.inject(url)).statusCode, 429, url)
  }
})
