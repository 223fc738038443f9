import Fastify, { type FastifyInstance } from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions, type RouteRateLimit } from '../../../lib/index.js'
import { ask, frozenStore, left, limited, ok, only, tracer, user } from '../support/app.js'

/** An app whose routes were all declared before the plugin had loaded, because nobody awaited `register`. */
function unawaited(options: RateLimitOptions = {}): FastifyInstance {
  const app = Fastify()
  app.register(rateLimit, { store: frozenStore(), ...options })
  return app
}

const CONFIGS: { what: string; config: RouteRateLimit | undefined; answers: string[] }[] = [
  { what: 'no config', config: undefined, answers: ['200 8', '200 7', '200 6'] },
  { what: 'false', config: false, answers: ['200 -', '200 -', '200 -'] },
  { what: 'a name', config: 'named', answers: ['200 1', '200 0', '429 0'] },
  { what: 'a name of a limiter by user', config: 'byUser', answers: ['200 1', '200 0', '429 0'] },
  { what: 'a policy by IP', config: only(2), answers: ['200 1', '200 0', '429 0'] },
  { what: 'a policy by user', config: { ...only(2), key: user }, answers: ['200 1', '200 0', '429 0'] },
  {
    what: "a policy with hook: 'preValidation'",
    config: { ...only(2), hook: 'preValidation' },
    answers: ['200 1', '200 0', '429 0'],
  },
  {
    what: "a policy with hook: 'preHandler'",
    config: { ...only(2), hook: 'preHandler' },
    answers: ['200 1', '200 0', '429 0'],
  },
  {
    what: 'a list over three stages',
    config: ['named', 'byUser', { ...only(2), hook: 'preHandler' }],
    answers: ['200 1', '200 0', '429 0'],
  },
  { what: 'a function', config: () => 'named', answers: ['200 1', '200 0', '429 0'] },
  { what: 'a function that says false', config: () => false, answers: ['200 -', '200 -', '200 -'] },
  {
    what: 'a function that names a late limiter',
    config: () => 'late',
    answers: ['200 1', '200 0', '429 0'],
  },
]

for (const { what, config, answers } of CONFIGS) {
  for (const order of ['GET HEAD GET', 'HEAD GET HEAD']) {
    test(`a route with ${what} is limited the same when the plugin is not awaited, ${order}`, async (t) => {
      const options: RateLimitOptions = {
        ...only(9),
        limiters: {
          named: only(2),
          byUser: { ...only(2), key: user },
          late: { ...only(2), hook: 'preHandler' },
        },
      }
      for (const app of [unawaited(options), await limited(options)]) {
        app.get('/', { config: { rateLimit: config } }, ok)
        t.same(await ask(app, ...order.split(' ').map((method) => `${method} /`)), answers)
      }
    })
  }
}

test('hooks run in the documented order around limiters of a route declared early', async (t) => {
  const trace: string[] = []
  const { hook, parsing, cost } = tracer(trace)
  const named = (name: string, key: 'ip' | typeof user) => ({ key, cost: cost(name) })
  const app = unawaited({
    limiters: {
      arrival: named('arrival', 'ip'),
      keyed: named('keyed', user),
      validation: { ...named('validation', user), hook: 'preValidation' },
      handler: { ...named('handler', 'ip'), hook: 'preHandler' },
    },
  })
  app.addHook('onRequest', hook('instance onRequest'))
  app.post(
    '/',
    {
      onRequest: hook('onRequest'),
      preParsing: [parsing('preParsing')],
      preValidation: [hook('preValidation')],
      preHandler: hook('preHandler'),
      config: { rateLimit: ['arrival', 'keyed', 'validation', 'handler'] },
    },
    ok,
  )
  const once =
    'arrival|instance onRequest|onRequest|keyed|preParsing|preValidation|validation|preHandler|handler'
  await ask(app, 'POST /', 'POST /')
  t.same(trace.join('|'), `${once}|${once}`)
})

for (const { first, policy } of [
  { first: 'GET /v1', policy: {} },
  { first: 'GET /v1/', policy: { key: user } },
  { first: 'GET /v1/', policy: { hook: 'preHandler' as const } },
  { first: 'HEAD /v1', policy: {} },
  { first: 'HEAD /v1/', policy: { hook: 'preValidation' as const } },
]) {
  test(`a prefixed '/' declared early has one bucket, whichever URL is asked first: ${first} ${Object.keys(policy)}`, async (t) => {
    const app = Fastify()
    app.register(
      async (scope) => {
        scope.register(rateLimit, { store: frozenStore() })
        scope.get('/', { config: { rateLimit: { ...only(9), ...policy } } }, ok)
      },
      { prefix: '/v1' },
    )
    const requests = [first, 'GET /v1', 'GET /v1/', 'HEAD /v1', 'HEAD /v1/']
    t.same(await ask(app, ...requests), ['200 8', '200 7', '200 6', '200 5', '200 4'])
  })
}

test('an early route of several methods is one route', async (t) => {
  const app = unawaited()
  app.route({ method: ['GET', 'POST'], url: '/', config: { rateLimit: only(3) }, handler: ok })
  t.same(await ask(app, 'POST /', 'GET /', 'HEAD /', 'POST /'), ['200 2', '200 1', '200 0', '429 0'])
})

test('one policy object given to early routes under different constraints makes separate buckets', async (t) => {
  const app = unawaited()
  const config = { rateLimit: only(1) }
  for (const version of ['1.0.0', '2.0.0']) app.get('/', { constraints: { version }, config }, ok)
  app.post('/', { config }, ok)
  for (const version of ['1.0.0', '2.0.0']) {
    const get = { method: 'GET', url: '/', headers: { 'accept-version': version } } as const
    t.same(await ask(app, get, get), ['200 0', '429 0'], version)
  }
  t.same(await ask(app, 'POST /', 'POST /'), ['200 0', '429 0'])
})

test('an early route meets guard, exempt list and 404 limits like any other', async (t) => {
  const app = unawaited({ ...only(9), guard: only(3), exempt: ['/docs', '/docs/*'] })
  app.get('/docs', ok)
  app.get('/docs/:page', ok)
  app.get('/', ok)
  t.same(await ask(app, 'GET /docs', 'HEAD /docs', 'GET /docs/a'), Array(3).fill('200 -'))
  t.same(await ask(app, 'GET /', 'GET /none', 'HEAD /', 'GET /'), ['200 2', '404 1', '200 0', '429 0'])
  t.equal(left(app), 6)
})

test('a limiter that only early routes name may be defined until ready', async (t) => {
  const app = unawaited()
  app.get('/', { config: { rateLimit: 'late' } }, ok)
  app.after(() => app.rateLimit.define('late', only(1)))
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
})

test('an early route that names no known limiter is a coded error, and makes nothing that grows by the request', async (t) => {
  const app = unawaited()
  app.get('/name', { config: { rateLimit: 'nope' } }, ok)
  app.get('/list', { config: { rateLimit: [only(1), 'nope'] } }, ok)
  await app.ready()
  const limiters = [...app.rateLimit].length
  for (const url of ['/name', '/list', '/list', '/list']) {
    const reply = await app.inject(url)
    t.match([reply.statusCode, reply.json().code], [500, 'FST_FLOODGATE_UNKNOWN_LIMITER'])
  }
  t.ok([...app.rateLimit].length <= limiters + 1)
})

test('a 404 handler set before the plugin has loaded is limited', async (t) => {
  const app = unawaited(only(2))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send())
  t.same(await ask(app, 'GET /a', 'GET /b', 'GET /c'), ['404 1', '404 0', '429 0'])
})
