import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import type { RateLimitOptions, RouteRateLimit } from '../../../lib/index.js'
import { memoryStore } from '../../../lib/index.js'
import { bytesInUse } from '../../store/memory/bytes.js'
import { ask, left, limited, ok, only, user } from '../support/app.js'
import { codes, emitted } from '../support/warnings.js'

type Choose = Extract<RouteRateLimit, (request: FastifyRequest) => unknown>

const OPTIONS: RateLimitOptions = { ...only(9), limiters: { free: only(1), pro: only(3) }, keys: { user } }

const CHOICES: { what: string; choose: Choose; answers: string[] }[] = [
  { what: 'a policy', choose: () => only(2), answers: ['200 1', '200 0', '429 0'] },
  { what: 'a promise of a policy', choose: async () => only(2), answers: ['200 1', '200 0', '429 0'] },
  { what: 'an empty policy', choose: () => ({}), answers: ['200 8', '200 7', '200 6'] },
  {
    what: 'a policy with a cost',
    choose: () => ({ ...only(5), cost: 2 }),
    answers: ['200 3', '200 1', '429 1'],
  },
  {
    what: 'a policy with a cost function',
    choose: () => ({ ...only(5), cost: async () => 2 }),
    answers: ['200 3', '200 1', '429 1'],
  },
  { what: 'a list of names', choose: () => ['free', 'pro'], answers: ['200 0', '429 0', '429 0'] },
  {
    what: 'a list of a name and policies',
    choose: () => ['pro', only(4), only(2)],
    answers: ['200 1', '200 0', '429 0'],
  },
  {
    what: "a policy with hook: 'preHandler'",
    choose: () => ({ ...only(1), hook: 'preHandler' }),
    answers: ['200 0', '429 0', '429 0'],
  },
  {
    what: 'a sliding window',
    choose: () => ({ algorithm: 'sliding-window', rate: 2, per: 'hour' }),
    answers: ['200 1', '200 0', '429 0'],
  },
]

for (const { what, choose, answers } of CHOICES) {
  test(`${what} that a route config returns is enforced`, async (t) => {
    const list = emitted(t)
    const app = await limited(OPTIONS)
    app.get('/', { config: { rateLimit: choose } }, ok)
    t.same(await ask(app, 'GET /', 'GET /', 'GET /'), answers)
    t.same(codes(list), [])
  })
}

test('the keys of returned policies belong to their route', async (t) => {
  const app = await limited(OPTIONS)
  for (const url of ['/a', '/b']) app.get(url, { config: { rateLimit: () => only(1) } }, ok)
  t.same(await ask(app, 'GET /a', 'GET /b', 'GET /a', 'GET /b'), ['200 0', '200 0', '429 0', '429 0'])
  t.equal(left(app), 9)
})

test('a GET and its HEAD, and a prefixed / with and without the slash, share the keys of returned policies', async (t) => {
  const app = await limited()
  await app.register(async (scope) => scope.get('/', { config: { rateLimit: () => only(3) } }, ok), {
    prefix: '/p',
  })
  t.same(await ask(app, 'GET /p', 'HEAD /p/', 'GET /p/', 'HEAD /p'), ['200 2', '200 1', '200 0', '429 0'])
})

test('all routes without a config share the keys of the policies that the option rateLimit returns', async (t) => {
  const app = await limited({ rateLimit: () => only(2) })
  app.get('/a', ok)
  app.get('/b', ok)
  t.same(await ask(app, 'GET /a', 'HEAD /b', 'GET /b'), ['200 1', '200 0', '429 0'])
})

test('two laws of one route never read the state of each other, and equal ones share it', async (t) => {
  const app = await limited(OPTIONS)
  const plan = (request: FastifyRequest) => ({
    rate: Number(request.headers['x-rate']),
    burst: 2,
    per: 'hour' as const,
  })
  app.get('/', { config: { rateLimit: plan } }, ok)
  const by = (rate: number) => ({ url: '/', headers: { 'x-rate': String(rate) } })
  t.same(await ask(app, by(10), by(20), by(10), by(10), by(20), by(20)), [
    '200 1',
    '200 1',
    '200 0',
    '429 0',
    '200 0',
    '429 0',
  ])
})

test('a policy may name its key strategy, or bring one that is new for each request', async (t) => {
  const app = await limited(OPTIONS)
  const own = (request: FastifyRequest) => {
    const name = user(request)
    return { ...only(1), key: () => name }
  }
  app.get('/named', { config: { rateLimit: () => ({ ...only(1), key: 'user' }) } }, ok)
  app.get('/own', { config: { rateLimit: own } }, ok)
  for (const url of ['/named', '/own']) {
    const as = (name: string) => ({ url, headers: { 'x-user': name } })
    t.same(
      await ask(app, as('ann'), as('bob'), as('ann'), as('bob')),
      ['200 0', '200 0', '429 0', '429 0'],
      url,
    )
  }
})

test('keys of two strategies are apart, also where the keys are equal', async (t) => {
  const app = await limited(OPTIONS)
  const choose = (request: FastifyRequest) => ({
    ...only(1),
    key: request.headers['x-by'] === 'ip' ? 'ip' : 'user',
  })
  app.get('/', { config: { rateLimit: choose } }, ok)
  const by = (by: string) => ({ url: '/', headers: { 'x-by': by, 'x-user': '127.0.0.1' } })
  t.same(await ask(app, by('ip'), by('user'), by('ip'), by('user')), ['200 0', '200 0', '429 0', '429 0'])
})

test('limits from a table follow the table', async (t) => {
  const table = { free: { rate: 1, burst: 1, per: 'hour' as const } }
  const app = await limited(OPTIONS)
  app.get('/', { config: { rateLimit: () => table.free } }, ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  table.free.rate = table.free.burst = 3
  t.same(await ask(app, 'GET /', 'GET /'), ['200 2', '200 1'])
})

const WRONG: Record<string, [choose: () => unknown, option: string]> = {
  'a rate that is no number': [() => ({ rate: 'many' }), 'rateLimit.rate'],
  'NaN as a rate': [() => ({ rate: Number.NaN }), 'rateLimit.rate'],
  'a bigint as a rate': [() => ({ rate: 10n }), 'rateLimit.rate'],
  'an unknown option': [() => ({ ratte: 10 }), 'rateLimit.ratte'],
  'an unknown key strategy': [() => ({ key: 'nobody' }), 'rateLimit.key'],
  'a cost that is no number': [() => ({ cost: 'x' }), 'rateLimit.cost'],
  'an empty list': [() => [], 'rateLimit'],
  'a list with one name twice': [() => ['free', 'free'], 'rateLimit'],
  'a list with a number': [() => [1], 'rateLimit'],
  'an object that refers to itself': [
    () => {
      const policy: Record<string, unknown> = {}
      policy.rate = policy
      return policy
    },
    'rateLimit.rate',
  ],
}

for (const [what, [choose, option]] of Object.entries(WRONG)) {
  test(`${what} is charged to the default limiter, and warned of once with the option and the route`, async (t) => {
    const list = emitted(t)
    const app = await limited(OPTIONS)
    app.get('/plan/:id', { config: { rateLimit: choose as Choose } }, ok)
    t.same(await ask(app, 'GET /plan/1', 'GET /plan/2'), ['200 8', '200 7'])
    t.same(codes(list), ['W016'])
    t.match(list[0].message, 'route /plan/:id returned')
    t.match(list[0].message, `whose option ${option} is not allowed`)
    t.notMatch(list[0].message, /many|nobody/)
  })
}

test('W006: a strategy that gives no key to the policies of a function is suspected, once', async (t) => {
  const list = emitted(t)
  const app = await limited({ ...OPTIONS, key: 'none', keys: { none: () => null } })
  app.get('/', { config: { rateLimit: () => only(500) } }, ok)
  for (let i = 0; i < 99; i++) await app.inject('/')
  t.same(codes(list), ['W002'])
  for (let i = 0; i < 99; i++) await app.inject('/')
  t.same(codes(list), ['W002', 'W006'])
})

test('any number of different laws of one route leave the memory of the last ones only', async (t) => {
  const store = memoryStore({ maxKeys: 1000 })
  const app = await limited({ ...OPTIONS, store })
  let rate = 0
  app.get('/', { config: { rateLimit: () => ({ rate: ++rate, burst: 1, per: 'day' }) } }, ok)
  const take = async (count: number) => {
    for (let i = 0; i < count; i++) await app.inject('/')
    return await bytesInUse()
  }
  const before = await take(3000)
  const after = await take(6000)
  t.ok(store.stats().keys <= 1000)
  t.ok(after - before < 4 * 2 ** 20, `${(after - before) / 2 ** 20} MiB`)
})
