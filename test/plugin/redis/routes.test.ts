import { test } from 'tap'
import type { RouteRateLimit } from '../../../lib/index.js'
import { keysWithoutTtl, resetCounts, scriptsOf } from '../../fixtures/redis/monitor.js'
import { ask, left, limited } from './support.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const

test('every form of a route config works over Redis', async (t) => {
  const { app, server } = await limited(t, { ...only(5), limiters: { login: only(2), search: only(3) } })
  const forms: [string, RouteRateLimit | undefined][] = [
    ['/default', undefined],
    ['/exempt', false],
    ['/named', 'login'],
    ['/own', only(1)],
    ['/list', ['search', only(4)]],
    ['/chosen', (request) => (request.headers['x-user'] ? 'search' : false)],
    ['/chosen-later', async () => 'login'],
  ]
  for (const [url, rateLimit] of forms)
    app.get(url, { config: rateLimit === undefined ? {} : { rateLimit } }, async () => 'ok')
  t.equal(await ask(app, '/default'), '200 4')
  t.equal(await ask(app, '/exempt'), '200 -')
  t.equal(await ask(app, '/named'), '200 1')
  t.equal(await ask(app, '/own'), '200 0')
  t.equal(await ask(app, '/own'), '429 0')
  t.equal(await ask(app, '/list'), '200 2')
  t.equal(await ask(app, '/chosen'), '200 -')
  t.equal(await ask(app, '/chosen', { 'x-user': 'ann' }), '200 1')
  t.equal(await ask(app, '/chosen-later'), '200 0')
  t.equal(await ask(app, '/chosen-later'), '429 0')
  t.equal(await ask(app, '/nowhere'), '404 3')
  t.same(await keysWithoutTtl(server), [])
})

test('a request is one script call, whatever the number of its limiters and policies', async (t) => {
  const policies = [
    only(9),
    { ...only(8), name: 'other' },
    { algorithm: 'sliding-window', rate: 7, name: 'w' },
  ] as const
  const { app, server } = await limited(t, { limiters: { three: policies } })
  app.get(
    '/',
    { config: { rateLimit: ['default', 'three', only(20)] } },
    (request) => request.rateLimit?.decisions.length,
  )
  t.equal((await app.inject('/')).body, '5')
  await resetCounts(server)
  await app.inject('/')
  t.equal(await scriptsOf(server), 1)
  await Promise.all(Array.from({ length: 3 }, () => app.inject('/')))
  t.equal(await scriptsOf(server), 2, 'and those of one turn are one together')
})

test('of parallel requests exactly the burst is admitted, of each key', async (t) => {
  const { app, clock } = await limited(t, { rate: 60, burst: 17, key: 'user' })
  app.get('/', async () => 'ok')
  const flood = async () => {
    const counts: Record<string, number> = {}
    const requests = Array.from({ length: 100 }, (_, i) => ask(app, '/', { 'x-user': i % 2 ? 'ann' : 'bob' }))
    for (const answer of await Promise.all(requests))
      counts[answer.slice(0, 3)] = (counts[answer.slice(0, 3)] ?? 0) + 1
    return counts
  }
  t.same(await flood(), { 200: 34, 429: 66 })
  clock.advance(2999)
  t.same(await flood(), { 200: 4, 429: 96 })
})

test('requests without a key are counted by IP, apart from those that have it as their key', async (t) => {
  const { app } = await limited(t, { ...only(2), key: 'user', warnings: false })
  app.get('/', async () => 'ok')
  t.equal(await ask(app, '/'), '200 1')
  t.equal(await ask(app, '/', { 'x-user': '127.0.0.1' }), '200 1')
  t.equal(await ask(app, '/'), '200 0')
  t.equal(await ask(app, '/'), '429 0')
})

test('the guard decides before the limiters, which are not charged when it denies', async (t) => {
  const { app } = await limited(t, { ...only(10), guard: only(3) })
  app.get('/', async () => 'ok')
  for (let i = 0; i < 3; i++) t.equal(await ask(app, '/'), `200 ${2 - i}`)
  for (let i = 0; i < 3; i++) t.equal(await ask(app, '/'), '429 0')
  t.equal(await left(app), 7)
  t.equal(await left(app, 'guard'), 0)
})

test('a client that is allowed, an exempt route and a preflight ask nobody', async (t) => {
  const { app, server } = await limited(t, { ...only(1), allow: ['127.0.0.1'], exempt: ['/open'] })
  app.get('/', async () => 'ok')
  app.get('/open', async () => 'ok')
  await app.ready()
  await resetCounts(server)
  for (const url of ['/', '/open']) t.equal(await ask(app, url), '200 -')
  t.equal(await scriptsOf(server), 0)
})

const later: [string, RouteRateLimit][] = [
  ['at the same moment', ['default', { ...only(1), key: 'global' }]],
  ['after onRequest', ['default', { ...only(1), key: 'user' }]],
  ['before validation', ['default', { ...only(1), hook: 'preValidation' }]],
  ['before the handler', ['default', { ...only(1), hook: 'preHandler', key: 'user' }]],
]
for (const [when, rateLimit] of later) {
  test(`a denial by a limiter that decides ${when} charges none of the route's limiters`, async (t) => {
    for (const denyCache of [0, 100]) {
      const { app } = await limited(t, only(10), { denyCache })
      app.get('/', { config: { rateLimit } }, async () => 'ok')
      t.equal(await ask(app, '/', { 'x-user': 'ann' }), '200 0')
      for (let i = 0; i < 4; i++) {
        const denied = await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
        t.equal(denied.statusCode, 429)
        t.match(denied.headers, {
          'x-ratelimit-limit': '1',
          'x-ratelimit-remaining': '0',
          'retry-after': '3600',
        })
      }
      t.equal(await left(app), 9)
    }
  })
}

test('a hook placed by hand, and handlers of 404, decide over Redis', async (t) => {
  const { app } = await limited(t, { ...only(9), limiters: { missing: only(1) } })
  app.get('/', { config: { rateLimit: false }, onRequest: app.rateLimit.hook('missing') }, async () => 'ok')
  app.setNotFoundHandler({ preHandler: app.rateLimit.hook('missing') }, async (_request, reply) =>
    reply.code(404).send('none'),
  )
  t.equal(await ask(app, '/'), '200 0')
  t.equal(await ask(app, '/nowhere'), '429 0')
})

test('bad costs and key functions that reject charge nothing', async (t) => {
  const { app } = await limited(t, { ...only(5), warnings: false })
  app.get('/cost', { config: { rateLimit: { cost: () => Number.NaN } } }, async () => 'ok')
  app.get(
    '/key',
    { config: { rateLimit: { key: async () => Promise.reject(new Error('no')) } } },
    async () => 'ok',
  )
  t.equal((await app.inject('/cost')).json().code, 'FST_FLOODGATE_COST')
  t.equal(await ask(app, '/key'), '200 4')
})

test('both families of headers tell what the store said, of each policy', async (t) => {
  const { app } = await limited(t, {
    ...only(3),
    headers: ['x-ratelimit', 'draft-11'],
    limiters: { day: { rate: 5, per: 'day', burst: 5 } },
  })
  app.get('/', { config: { rateLimit: ['default', 'day'] } }, async () => 'ok')
  const { headers } = await app.inject('/')
  t.match(headers, { 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '2', 'x-ratelimit-reset': '1200' })
  t.match(headers, { 'ratelimit-policy': /"default";q=3.*"day";q=5/, ratelimit: /"default";r=2.*"day";r=4/ })
})

test('limiters whose keys are promised decide together, and where a cost is bad none of them is charged', async (t) => {
  const { app } = await limited(t, {
    ...only(5),
    limiters: { tenant: { ...only(3), key: 'tenant' } },
    keys: {
      tenant: async (request) => request.headers['x-tenant'] as string,
      session: async (request) => request.headers['x-session'] as string,
    },
  })
  const cost = (request: { headers: object }) => ('x-broken' in request.headers ? Number.NaN : 1)
  app.get(
    '/',
    { config: { rateLimit: ['tenant', { name: 'session', ...only(2), key: 'session', cost }] } },
    async (request) => request.rateLimit?.decisions.map(({ policy, remaining }) => `${policy} ${remaining}`),
  )
  const headers = { 'x-tenant': 'a', 'x-session': '1' }
  t.same((await app.inject({ url: '/', headers })).json(), ['session 1', 'tenant 2'])
  const broken = await app.inject({ url: '/', headers: { ...headers, 'x-broken': 'yes' } })
  t.equal(broken.json().code, 'FST_FLOODGATE_COST')
  t.equal(await left(app, 'tenant', 'a'), 2)
  t.equal(await ask(app, '/', headers), '200 0')
  t.equal(await ask(app, '/', headers), '429 0')
  t.equal(await left(app, 'tenant', 'a'), 1)
})
