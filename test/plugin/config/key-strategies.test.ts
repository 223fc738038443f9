import Fastify, { type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type KeyStrategy, memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const apiKey = (request: FastifyRequest) => request.headers['x-api-key'] as string

/** An app whose default limiter allows two requests a key, and which answers with the key it counted. */
async function keyedBy(t: Test, strategy: unknown, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  const store = memoryStore({ clock: new ManualClock() })
  const keys = { client: strategy as KeyStrategy }
  const warnings = { FST_FLOODGATE_W012: false }
  await app.register(rateLimit, { rate: 2, key: 'client', keys, store, warnings, ...options })
  app.get('/', (request) => ({ key: request.rateLimit?.key }))
  return app
}

function warnings(t: Test): { code?: string; name: string; message: string }[] {
  const list: Error[] = []
  const listen = (warning: Error) => list.push(warning)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  return list
}

test("a limiter keyed by the user sees the user that the route's own onRequest hook set", async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const keys = { user: (request: FastifyRequest) => request.getDecorator<{ name: string }>('account')?.name }
  await app.register(rateLimit, { keys })
  app.decorateRequest('account', null)
  const authenticate = async (request: FastifyRequest) => {
    request.setDecorator('account', { name: request.headers['x-api-key'] })
  }
  const config = { rateLimit: { rate: 1, key: 'user' } }
  app.get('/', { onRequest: authenticate, config }, (request) => request.rateLimit?.key)
  const as = (user: string) => app.inject({ url: '/', headers: { 'x-api-key': user } })
  t.equal((await as('ann')).body, 'ann')
  t.equal((await as('ann')).statusCode, 429)
  t.equal((await as('bob')).body, 'bob')
})

test('a flood of wrong credentials is stopped by the guard before the code that checks them', async (t) => {
  let checked = 0
  const app = await keyedBy(t, apiKey, { guard: { rate: 3 } })
  app.addHook('onRequest', async (_request, reply) => {
    checked++
    return reply.code(401).send()
  })
  const onRequest = async () => {
    checked++
  }
  app.get('/private', { onRequest }, () => t.fail('must not be reached'))
  const statuses = []
  for (let i = 0; i < 5; i++) {
    statuses.push((await app.inject({ url: '/private', headers: { 'x-api-key': `guess-${i}` } })).statusCode)
  }
  t.same(statuses, [401, 401, 401, 429, 429])
  t.equal(checked, 3)
})

test('wrong credentials do not cost the limiter of those who have none', async (t) => {
  const app = await keyedBy(t, apiKey, { rate: 1 })
  app.get('/private', { onRequest: async (_request, reply) => reply.code(401).send() }, () => 'ok')
  for (let i = 0; i < 3; i++) await app.inject({ url: '/private', headers: { 'x-api-key': 'ann' } })
  t.equal((await app.inject({ url: '/', headers: { 'x-api-key': 'ann' } })).statusCode, 200)
})

const fails = () => {
  throw new Error('secret-4711')
}
const NO_KEYS: [string, unknown, string][] = [
  ['undefined', () => undefined, 'FST_FLOODGATE_W002'],
  ['null', () => null, 'FST_FLOODGATE_W002'],
  ['an empty string', () => '', 'FST_FLOODGATE_W002'],
  ['NaN', () => Number.NaN, 'FST_FLOODGATE_W002'],
  ['true', () => true, 'FST_FLOODGATE_W002'],
  ['false', () => false, 'FST_FLOODGATE_W002'],
  ['an object', () => ({ id: 'secret-4711' }), 'FST_FLOODGATE_W002'],
  ['a list', () => ['secret-4711'], 'FST_FLOODGATE_W002'],
  ['a symbol', () => Symbol('secret-4711'), 'FST_FLOODGATE_W002'],
  ['a promise of nothing', async () => undefined, 'FST_FLOODGATE_W002'],
  ['a promise of an empty string', async () => '', 'FST_FLOODGATE_W002'],
  ['a promise of an object', async () => ({ id: 'secret-4711' }), 'FST_FLOODGATE_W002'],
  ['an error thrown', fails, 'FST_FLOODGATE_W003'],
  ['an error of an async function', async () => fails(), 'FST_FLOODGATE_W003'],
  ['a string thrown', () => Promise.reject('secret-4711'), 'FST_FLOODGATE_W003'],
  ['nothing thrown', () => Promise.reject(), 'FST_FLOODGATE_W003'],
]

for (const [what, strategy, code] of NO_KEYS) {
  test(`a strategy that yields ${what} counts each client by IP, and warns once`, async (t) => {
    const emitted = warnings(t)
    const app = await keyedBy(t, strategy)
    const ask = async (remoteAddress: string) => {
      const response = await app.inject({ url: '/', remoteAddress })
      return response.statusCode === 200 ? response.json().key : response.statusCode
    }
    t.same(
      [await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')],
      ['192.0.2.1', '192.0.2.1', 429],
    )
    t.equal(await ask('2001:db8::1'), '2001:db8::/64')
    t.equal(emitted.length, 1)
    t.match(emitted[0], { name: 'FloodgateWarning', code, message: /key strategy client / })
    t.notMatch(emitted[0].message, /secret-4711|192\.0\.2/)
  })
}

test('a warning names the strategy it is about, and each strategy has its own', async (t) => {
  const emitted = warnings(t)
  const app = await keyedBy(t, () => null)
  app.get('/own', { config: { rateLimit: { key: () => '' } } }, () => 'ok')
  app.get('/other', { config: { rateLimit: { key: () => '' } } }, () => 'ok')
  for (const url of ['/', '/own', '/other', '/', '/own', '/other']) await app.inject(url)
  t.match(emitted[0], { message: /key strategy client gave/ })
  t.match(emitted[1], { message: /key strategy of rateLimit.key.* gave/ })
  t.equal(emitted.length, 3, 'two inline functions are two strategies')
})

test('clients without a key never share with a key that equals their IP', async (t) => {
  const app = await keyedBy(t, apiKey)
  const ask = (key?: string) =>
    app.inject({
      url: '/',
      remoteAddress: '192.0.2.1',
      headers: key === undefined ? {} : { 'x-api-key': key },
    })
  await ask()
  await ask()
  t.equal((await ask()).statusCode, 429)
  t.equal((await ask('192.0.2.1')).statusCode, 200)
  t.equal((await app.rateLimit.get('default').peek('192.0.2.1')).remaining, 1)
})

test('clients without a key do not share with limiters keyed by IP or by all', async (t) => {
  const limiters = { byIp: { key: 'ip' }, byAll: { key: 'global' } }
  const app = await keyedBy(t, () => undefined, { limiters })
  for (let i = 0; i < 3; i++) await app.inject('/')
  t.equal((await app.rateLimit.get('byIp').peek('127.0.0.1')).remaining, 2)
  t.equal((await app.rateLimit.get('byAll').peek('global')).remaining, 2)
})

test('keys that are equal under different strategies are different clients', async (t) => {
  const app = await keyedBy(t, apiKey, {
    limiters: { byIp: { key: 'ip' }, byAll: { key: 'global' }, byOther: { key: apiKey } },
  })
  for (const name of ['byIp', 'byAll', 'byOther']) {
    app.get(`/${name}`, { config: { rateLimit: name } }, (request) => ({ key: request.rateLimit?.key }))
  }
  for (const key of ['127.0.0.1', 'global']) {
    for (let i = 0; i < 3; i++) await app.inject({ url: '/', headers: { 'x-api-key': key } })
  }
  for (const name of ['byIp', 'byAll']) {
    t.equal((await app.inject(`/${name}`)).headers['x-ratelimit-remaining'], '1', name)
  }
  const other = await app.inject({ url: '/byOther', headers: { 'x-api-key': 'global' } })
  t.equal(other.headers['x-ratelimit-remaining'], '1')
})

test("the key 'global' is one bucket for all clients", async (t) => {
  const app = await keyedBy(t, apiKey, { key: 'global' })
  const statuses = []
  for (const remoteAddress of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    statuses.push((await app.inject({ url: '/', remoteAddress })).statusCode)
  }
  t.same(statuses, [200, 200, 429])
})

test('an async strategy is waited for', async (t) => {
  const app = await keyedBy(t, async (request: FastifyRequest) => {
    await new Promise(setImmediate)
    return apiKey(request)
  })
  const statuses = []
  for (const key of ['a', 'a', 'a', 'b']) {
    statuses.push((await app.inject({ url: '/', headers: { 'x-api-key': key } })).statusCode)
  }
  t.same(statuses, [200, 200, 429, 200])
})

test('a promise of another make than the built-in one is waited for', async (t) => {
  // biome-ignore lint/suspicious/noThenProperty: what query builders return
  const lazy = () => ({ then: (resolve: (key: string) => void) => void setImmediate(resolve, 'ann') })
  const app = await keyedBy(t, lazy)
  const response = await app.inject('/')
  t.equal(response.statusCode, 200)
  t.same(response.json(), { key: 'ann' })
})

test('numbers and bigints are keys, zero included, equal to their decimal strings', async (t) => {
  const values = [0, 0n, '0', 7n, 7, 2n ** 70n, async () => 12]
  const given = values.map((value) => (typeof value === 'function' ? value() : value))
  const app = await keyedBy(t, () => given.shift())
  const answers = []
  for (const _ of values) {
    const response = await app.inject('/')
    answers.push(response.statusCode === 200 ? response.json().key : response.statusCode)
  }
  t.same(answers, ['0', '0', 429, '7', '7', '1180591620717411303424', '12'])
})

test('several async strategies of one route are all waited for, and decided at once', async (t) => {
  const app = await keyedBy(t, async (request: FastifyRequest) => apiKey(request))
  const slow = async (request: FastifyRequest) => request.headers['x-team'] as string
  const rateLimits = ['default', { rate: 1, key: slow }]
  app.get('/team', { config: { rateLimit: rateLimits } }, (request) => request.rateLimit?.decisions.length)
  const ask = (key: string) => app.inject({ url: '/team', headers: { 'x-api-key': key, 'x-team': 'red' } })
  t.equal((await ask('ann')).body, '2')
  t.equal((await ask('bob')).statusCode, 429)
  t.equal((await app.rateLimit.get('default').peek('bob')).remaining, 2)
})
