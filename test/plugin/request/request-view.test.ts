import Fastify, { type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions, type RequestRateLimit } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const user = (request: FastifyRequest) => request.headers['x-user'] as string

/** A limited request, or a test that cannot go on. */
function limited(request: FastifyRequest): RequestRateLimit {
  if (request.rateLimit === null) throw new Error('request.rateLimit is null')
  return request.rateLimit
}

async function registered(t: Test, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  const clock = new ManualClock()
  await app.register(rateLimit, { rate: 60, keys: { user }, store: memoryStore({ clock }), ...options })
  return app
}

const units = (headers: Record<string, unknown>) =>
  ['limit', 'remaining', 'reset'].map((name) => headers[`x-ratelimit-${name}`])

test('request.rateLimit is null before a limiter decided, and on exempt routes, which carry no headers', async (t) => {
  const app = await registered(t)
  let early: unknown
  const onRequest = async (request: FastifyRequest) => {
    early = request.rateLimit
  }
  app.get('/', { onRequest, config: { rateLimit: { key: 'user' } } }, (request) => limited(request).key)
  app.get('/health', { config: { rateLimit: false } }, (request) => ({ rateLimit: request.rateLimit }))
  t.equal((await app.inject({ url: '/', headers: { 'x-user': 'ann' } })).body, 'ann')
  t.equal(early, null)
  const health = await app.inject('/health')
  t.same(health.json(), { rateLimit: null })
  t.same(units(health.headers), [undefined, undefined, undefined])
})

test('request.rateLimit has the decision, the limiter and the key', async (t) => {
  const app = await registered(t, { limiters: { search: { rate: 30, key: 'user' } } })
  app.get('/', { config: { rateLimit: 'search' } }, (request) => {
    const { decision, decisions, limiter, key } = limited(request)
    return { decision, decisions, limiter, key }
  })
  const decision = { allowed: true, policy: 'search', limit: 10, remaining: 9, resetAfter: 2000 }
  const response = await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
  t.same(response.json(), { decision, decisions: [decision], limiter: 'search', key: 'ann' })
  t.same(units(response.headers), ['10', '9', '2'])
})

test('of several decisions the tightest comes first, and is the one in the headers', async (t) => {
  const app = await registered(t, { guard: { rate: 600, burst: 50 }, limiters: { wide: { burst: 20 } } })
  const rateLimit = ['wide', { name: 'narrow', rate: 5, key: 'user' }, 'default']
  app.get('/', { config: { rateLimit } }, (request) => {
    const { decision, decisions, limiter, key } = limited(request)
    return { policies: decisions.map(({ policy }) => policy), policy: decision.policy, limiter, key }
  })
  const response = await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
  t.same(response.json(), {
    policies: ['narrow', 'default', 'wide', 'guard'],
    policy: 'narrow',
    limiter: 'GET /',
    key: 'ann',
  })
  t.same(units(response.headers), ['5', '4', '12'])
})

test('refund() in the handler gives back what the request was charged, and the headers say so', async (t) => {
  const app = await registered(t, { cost: 3 })
  app.get('/', (request) => {
    limited(request).refund()
    return limited(request).decision
  })
  const response = await app.inject('/')
  t.match(response.json(), { allowed: true, remaining: 10, resetAfter: 0 })
  t.same(units(response.headers), ['10', '10', '0'])
})

test('refund(cost) gives back so much, never more than was charged', async (t) => {
  const app = await registered(t, { cost: 3 })
  app.rateLimit.get('default').take('127.0.0.1', { cost: 5 })
  const left: number[] = []
  app.get('/', (request) => {
    for (const cost of [1, 1, 100, 100]) {
      limited(request).refund(cost)
      left.push(limited(request).decision.remaining)
    }
    return 'ok'
  })
  t.same(units((await app.inject('/')).headers), ['10', '5', '5'])
  t.same(left, [3, 4, 5, 5])
})

test('take(cost) in the handler charges more, and the headers say so', async (t) => {
  const app = await registered(t)
  app.get('/', (request) => [limited(request).take(3), limited(request).take(), limited(request).take(0)])
  const response = await app.inject('/')
  t.match(response.json(), [
    { allowed: true, remaining: 6 },
    { allowed: true, remaining: 5 },
    { allowed: true, remaining: 5 },
  ])
  t.same(units(response.headers), ['10', '5', '5'])
})

test('a take that is denied charges nothing, and says how long to wait', async (t) => {
  const app = await registered(t)
  app.get('/', (request) => limited(request).take(10))
  const response = await app.inject('/')
  t.equal(response.statusCode, 200)
  t.match(response.json(), { allowed: false, violated: ['default'], remaining: 9, retryAfter: 1000 })
  t.same(units(response.headers), ['10', '9', '1'])
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 9)
})

test('take charges every limiter of the request or none, and never the guard', async (t) => {
  const app = await registered(t, {
    guard: { rate: 60, burst: 50 },
    limiters: { tight: { rate: 5, key: 'user' } },
  })
  app.get('/', { config: { rateLimit: ['default', 'tight'] } }, (request) => [
    limited(request).take(2),
    limited(request).take(3),
  ])
  const response = await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
  t.match(response.json(), [
    { allowed: true, policy: 'tight', remaining: 2 },
    { allowed: false, policy: 'tight', violated: ['tight'], remaining: 2 },
  ])
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 7)
  t.equal((await app.rateLimit.get('tight').peek('ann')).remaining, 2)
  t.equal((await app.rateLimit.get('guard').peek('127.0.0.1')).remaining, 49)
})

test('refund gives back to every limiter of the request, each what it was charged, and never to the guard', async (t) => {
  const app = await registered(t, { guard: { rate: 60, burst: 50 }, cost: 4 })
  app.get('/', { config: { rateLimit: ['default', { name: 'own', key: 'user' }] } }, (request) => {
    limited(request).refund()
    return limited(request).decisions.map(({ policy, remaining }) => `${policy} ${remaining}`)
  })
  const response = await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
  t.same(response.json().sort(), ['default 10', 'guard 49', 'own 10'])
})

for (const [what, rateLimit] of [
  ['nothing', false],
  ['only what is in progress', { algorithm: 'concurrency', limit: 60 }],
] as const)
  test(`where ${what} counts a request beside the guard, take and refund change nothing`, async (t) => {
    const app = await registered(t, { guard: { rate: 60, burst: 50 } })
    const config = { rateLimit: () => rateLimit }
    app.get('/', { config }, async (request) => {
      const { take, refund } = { take: limited(request).take(9), refund: limited(request).refund() }
      const { decision, limiter } = limited(request)
      return [(await take).remaining, await refund, decision.remaining, limiter]
    })
    t.same((await app.inject('/')).json(), [49, null, 49, 'guard'])
    t.equal((await app.rateLimit.get('guard').peek('127.0.0.1')).remaining, 49)
  })

test('a limiter that a request was charged to twice, by route and by hand, stays all or nothing', async (t) => {
  const app = await registered(t, { rate: 3 })
  let before = 0
  app.get('/', { preHandler: app.rateLimit.hook('default') }, async (request) => {
    before = (await app.rateLimit.get('default').peek('127.0.0.1')).remaining
    return limited(request).take(1)
  })
  const { allowed } = (await app.inject('/')).json()
  t.equal(before, 1)
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, allowed ? 0 : 1)
})

for (const cost of [Number.NaN, -1, 0.5, '1', null, Number.POSITIVE_INFINITY]) {
  test(`take(${JSON.stringify(cost)}) and refund of it are coded errors and charge nothing`, async (t) => {
    const app = await registered(t)
    app.get('/take', (request) => limited(request).take(cost as number))
    app.get('/refund', (request) => limited(request).refund(cost as number))
    for (const url of ['/take', '/refund']) {
      const response = await app.inject(url)
      t.match(response.json(), { statusCode: 500, code: 'FST_FLOODGATE_COST' }, url)
    }
    t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 8)
  })
}

test('a denied request has nothing to give back, and stays denied after a refund', async (t) => {
  const app = await registered(t, { rate: 1 })
  const told: unknown[] = []
  app.addHook('onResponse', async (request) => {
    limited(request).refund()
    told.push(limited(request).decision.allowed)
  })
  app.get('/', async () => 'ok')
  app.rateLimit.get('default').take('127.0.0.1')
  t.equal((await app.inject('/')).statusCode, 429)
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).allowed, false)
  t.same(told, [false])
})

test('take and refund after the response are too late for its headers but charge', async (t) => {
  const app = await registered(t)
  app.addHook('onResponse', async (request) => {
    limited(request).take(4)
  })
  app.get('/', async () => 'ok')
  t.equal((await app.inject('/')).headers['x-ratelimit-remaining'], '9')
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 5)
})

test('no headers of limits are sent where the option `headers` is empty, after a take neither', async (t) => {
  const app = await registered(t, { headers: [] })
  app.get('/', async (request) => (await limited(request).take(3)).remaining)
  const response = await app.inject('/')
  t.equal(response.body, '6')
  t.same(units(response.headers), [undefined, undefined, undefined])
})
