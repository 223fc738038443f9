import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions, type RouteRateLimit } from '../../../lib/index.js'
import { ask, frozenStore, left, limited, ok, only, tracer, user } from '../support/app.js'

const CASES: { who: string; options: RateLimitOptions; config?: RouteRateLimit }[] = [
  { who: 'the guard', options: { rate: 100, guard: only(1) } },
  { who: 'the guard of a route with its own user limit', options: { guard: only(1) }, config: { key: user } },
  {
    who: 'the guard of a route whose limiter is chosen',
    options: { guard: only(1) },
    config: () => 'default',
  },
  { who: 'the default limiter by IP', options: only(1) },
  { who: 'the default limiter by global', options: { ...only(1), key: 'global' } },
  { who: "a route's own limiter by IP", options: { key: user }, config: { ...only(1), key: 'ip' } },
  {
    who: 'a named limiter by global',
    options: { limiters: { all: { ...only(1), key: 'global' } } },
    config: 'all',
  },
  {
    who: 'the limiter by IP in a list',
    options: { keys: { user }, limiters: { u: { key: 'user' } } },
    config: ['u', { ...only(1), key: 'ip' }],
  },
]

for (const { who, options, config } of CASES) {
  test(`what ${who} denies reaches no code that checks credentials`, async (t) => {
    const trace: string[] = []
    const { hook, parsing } = tracer(trace)
    const app = await limited(options)
    app.addHook('onRequest', hook('instance auth'))
    app.post(
      '/',
      { onRequest: hook('route auth'), preParsing: parsing('parsing'), config: { rateLimit: config } },
      ok,
    )
    await ask(app, 'POST /')
    t.same(trace, ['instance auth', 'route auth', 'parsing'])
    const denied = await app.inject({ method: 'POST', url: '/', payload: { a: 1 } })
    t.equal(denied.statusCode, 429)
    t.equal(trace.length, 3)
  })
}

test('the guard comes before the limiters on arrival: what it denies charges none of them', async (t) => {
  const app = await limited({ ...only(5), guard: only(2) })
  app.get('/', ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 3)
})

test('the guard counts what a limiter denies', async (t) => {
  const app = await limited({ ...only(1), guard: only(9) })
  app.get('/', ok)
  await ask(app, 'GET /', 'GET /', 'GET /')
  t.equal(left(app, 'guard'), 6)
})

test('a request that authentication refuses has been counted on arrival', async (t) => {
  const app = await limited(only(2))
  app.addHook('onRequest', async (_request, reply) => reply.code(401).send())
  app.get('/', ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['401 1', '401 0', '429 0'])
})

test('an instance-level hook of before the plugin runs before the limiters', async (t) => {
  const trace: string[] = []
  const app = Fastify()
  app.addHook('onRequest', tracer(trace).hook('before'))
  await app.register(rateLimit, { store: frozenStore(), ...only(0), burst: 1 })
  app.get('/', ok)
  t.same(await ask(app, 'GET /'), ['429 0'])
  t.same(trace, ['before'])
})

test('a route that is exempt meets neither the guard nor a limiter', async (t) => {
  const app = await limited({ ...only(1), guard: only(1), exempt: ['/docs', '/docs/*'] })
  app.get('/health', { config: { rateLimit: false } }, ok)
  app.get('/docs', ok)
  app.get('/docs/:page', ok)
  t.same(await ask(app, 'GET /health', 'GET /health', 'GET /docs', 'GET /docs/a'), Array(4).fill('200 -'))
  t.equal(left(app, 'guard'), 1)
})
