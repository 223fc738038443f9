import Fastify, { type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions, type RouteRateLimit } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const user = (request: FastifyRequest) => request.headers['x-user'] as string
const asyncUser = async (request: FastifyRequest) => user(request)

async function registered(t: Test, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  const clock = new ManualClock()
  await app.register(rateLimit, { keys: { user, asyncUser }, store: memoryStore({ clock }), ...options })
  return { app, clock }
}

for (const key of ['ip', 'user', 'asyncUser']) {
  test(`of 200 parallel requests keyed by '${key}' exactly the burst is admitted`, async (t) => {
    const { app, clock } = await registered(t, { rate: 60, burst: 17, key })
    app.get('/', async () => 'ok')
    const flood = async () => {
      const headers = { 'x-user': 'ann' }
      const responses = await Promise.all(
        Array.from({ length: 200 }, () => app.inject({ url: '/', headers })),
      )
      const counts = { 200: 0, 429: 0 }
      for (const { statusCode } of responses) counts[statusCode as 200 | 429]++
      return counts
    }
    t.same(await flood(), { 200: 17, 429: 183 })
    clock.advance(2999)
    t.same(await flood(), { 200: 2, 429: 198 })
    clock.advance(1)
    t.same(await flood(), { 200: 1, 429: 199 })
  })
}

test('200 parallel requests over two limiters leave the one that did not deny with what it lets pass', async (t) => {
  const { app } = await registered(t, { rate: 150, burst: 150 })
  const config = { rateLimit: ['default', { rate: 5, burst: 5, key: 'global' }] }
  app.get('/', { config }, async () => 'ok')
  const responses = await Promise.all(Array.from({ length: 200 }, () => app.inject('/')))
  t.equal(responses.filter(({ statusCode }) => statusCode === 200).length, 5)
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 145)
})

const TWO: [string, RouteRateLimit][] = [
  ['at the same moment', ['default', { rate: 1, key: 'global' }]],
  ['after onRequest', ['default', { rate: 1, key: 'user' }]],
  ['after onRequest, asynchronously', ['default', { rate: 1, key: 'asyncUser' }]],
  ['before validation', ['default', { rate: 1, hook: 'preValidation' }]],
  ['before the handler', ['default', { rate: 1, hook: 'preHandler', key: 'user' }]],
]
for (const [when, config] of TWO) {
  test(`a denial by a limiter that decides ${when} charges none of the route's limiters`, async (t) => {
    const { app } = await registered(t, { rate: 10 })
    app.get('/', { config: { rateLimit: config } }, (request) => request.rateLimit?.decisions.length)
    const headers = { 'x-user': 'ann' }
    t.equal((await app.inject({ url: '/', headers })).body, '2')
    for (let i = 0; i < 5; i++) {
      const denied = await app.inject({ url: '/', headers })
      t.equal(denied.statusCode, 429)
      t.match(denied.headers, { 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0', 'retry-after': '60' })
    }
    t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 9)
  })
}

test('the guard counts what the limiters deny', async (t) => {
  const { app } = await registered(t, { rate: 1, guard: { rate: 3 } })
  app.get('/', async () => 'ok')
  for (let i = 0; i < 3; i++) await app.inject('/')
  t.equal((await app.rateLimit.get('guard').peek('127.0.0.1')).remaining, 0)
})

test('where the guard denies, no limiter is charged', async (t) => {
  const { app } = await registered(t, { rate: 10, guard: { rate: 1 } })
  app.get('/', async () => 'ok')
  for (let i = 0; i < 3; i++) await app.inject('/')
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 9)
})

test('all policies of a limiter must allow, and a denial names the one with the longest wait', async (t) => {
  const policies = [
    { name: 'brief', rate: 2, per: 'minute' },
    { name: 'long', rate: 2, per: 'hour' },
  ] as const
  const { app } = await registered(t, { limiters: { both: policies } })
  app.get('/', { config: { rateLimit: 'both' } }, async () => 'ok')
  await app.inject('/')
  await app.inject('/')
  const denied = await app.inject('/')
  t.equal(denied.headers['retry-after'], '1800')
  t.match(app.rateLimit.get('both').peek('127.0.0.1'), { policy: 'long', violated: ['brief', 'long'] })
})

test('a request costs what the policy says, or what its cost function returns', async (t) => {
  const { app } = await registered(t, { rate: 10, limiters: { three: { cost: 3 } } })
  const cost = (request: FastifyRequest) => (request.body as { items: unknown[] }).items.length
  app.get('/three', { config: { rateLimit: 'three' } }, async () => 'ok')
  app.post('/items', { config: { rateLimit: { cost, hook: 'preHandler' } } }, async () => 'ok')
  const post = (items: number) =>
    app.inject({ method: 'POST', url: '/items', payload: { items: Array.from({ length: items }) } })
  t.equal((await app.inject('/three')).headers['x-ratelimit-remaining'], '7')
  t.equal((await post(4)).headers['x-ratelimit-remaining'], '6')
  t.equal((await post(0)).headers['x-ratelimit-remaining'], '6')
  const denied = await post(7)
  t.equal(denied.statusCode, 429)
  t.match(denied.headers, { 'x-ratelimit-remaining': '6', 'retry-after': '6' })
})

test('a cost above the burst is denied for ever: no Retry-After, and nothing is charged', async (t) => {
  const { app } = await registered(t, { rate: 10, cost: 11 })
  app.get('/', async () => 'ok')
  const denied = await app.inject('/')
  t.equal(denied.statusCode, 429)
  t.notOk('retry-after' in denied.headers)
  t.match(denied.headers, { 'x-ratelimit-remaining': '10' })
  t.equal(denied.json().message, 'Rate limit exceeded, this request can never be allowed')
})

test('a rate of 0 denies for ever', async (t) => {
  const { app } = await registered(t, { rate: 0 })
  app.get('/', async () => 'ok')
  const denied = await app.inject('/')
  t.equal(denied.statusCode, 429)
  t.notOk('retry-after' in denied.headers)
  t.match(denied.headers, {
    'x-ratelimit-limit': '0',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': '0',
  })
})

const badCosts = [Number.NaN, undefined, null, -1, 0.5, '1', Number.POSITIVE_INFINITY, Promise.resolve('1')]
for (const key of ['ip', 'asyncUser']) {
  for (const cost of badCosts) {
    test(`a cost function that yields ${cost} (keyed by '${key}') is a coded 500 and charges nothing`, async (t) => {
      const { app } = await registered(t, { rate: 10, key, cost: () => cost as number })
      app.get('/', () => t.fail('must not be reached'))
      const response = await app.inject({ url: '/', headers: { 'x-user': '127.0.0.1' } })
      t.equal(response.statusCode, 500)
      t.match(response.json(), { code: 'FST_FLOODGATE_COST', message: /^cost is .*; allowed: an integer/ })
      t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 10)
    })
  }
}

test('one bad cost among limiters that decide at once charges none of them', async (t) => {
  const { app } = await registered(t, { rate: 10 })
  const config = { rateLimit: ['default', { key: 'global', cost: () => Number.NaN }] }
  app.get('/', { config }, () => t.fail('must not be reached'))
  t.equal((await app.inject('/')).statusCode, 500)
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 10)
})

test('several async limiters at one moment report a bad cost as well', async (t) => {
  const { app } = await registered(t, { rate: 10, key: 'asyncUser', cost: () => Number.NaN })
  app.get('/', { config: { rateLimit: ['default', { key: 'user' }] } }, () => t.fail('must not be reached'))
  const response = await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
  t.match(response.json(), { statusCode: 500, code: 'FST_FLOODGATE_COST' })
})

test('a cost may be a promise, and may depend on the body before the handler', async (t) => {
  const cost = async (request: FastifyRequest) => (request.body as { items: string[] }).items.length
  const { app } = await registered(t, { rate: 10, hook: 'preHandler', cost })
  app.post('/', async () => 'ok')
  const post = (items: string[]) => app.inject({ method: 'POST', url: '/', payload: { items } })
  t.equal((await post(['a', 'b', 'c'])).headers['x-ratelimit-remaining'], '7')
  t.equal((await post([])).headers['x-ratelimit-remaining'], '7')
  const denied = await post('abcdefgh'.split(''))
  t.equal(denied.statusCode, 429)
  t.equal(denied.headers['x-ratelimit-remaining'], '7')
})

test('a cost that rejects is an error of the server, and charges nothing', async (t) => {
  const { app } = await registered(t, { rate: 10, cost: async () => Promise.reject(new Error('no cost')) })
  app.get('/', () => t.fail('must not be reached'))
  const response = await app.inject('/')
  t.same([response.statusCode, response.json().message], [500, 'no cost'])
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 10)
})
