import cors from '@fastify/cors'
import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions, type RouteRateLimit } from '../../../lib/index.js'
import { ask, frozenStore, left, limited, ok, only, user } from '../support/app.js'

const preflight = (url: string) => ({
  method: 'OPTIONS' as const,
  url,
  headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
})

const LIMITS: { what: string; options: RateLimitOptions; config?: RouteRateLimit }[] = [
  { what: 'a guard', options: { guard: only(1) } },
  { what: 'a default limiter by IP', options: only(1) },
  { what: 'a default limiter by user', options: { ...only(1), keys: { user }, key: 'user' } },
  { what: 'a default limiter at preHandler', options: { ...only(1), hook: 'preHandler' } },
  { what: 'a policy of the route', options: {}, config: only(1) },
]

for (const { what, options, config } of LIMITS) {
  for (const hook of ['onRequest', 'preHandler'] as const) {
    test(`preflights are neither denied nor charged under ${what}, with @fastify/cors at ${hook}`, async (t) => {
      const app = Fastify()
      await app.register(rateLimit, { store: frozenStore(), ...options })
      await app.register(cors, { hook })
      app.post('/', { config: { rateLimit: config } }, ok)
      t.same(await ask(app, preflight('/'), preflight('/'), preflight('/')), Array(3).fill('204 -'))
      t.same(await ask(app, 'POST /', 'POST /', preflight('/')), ['200 0', '429 0', '204 -'])
    })
  }
}

test('a preflight that a route of its own answers is neither denied nor charged, whatever its limiter', async (t) => {
  const app = await limited({ guard: only(1), limiters: { all: { ...only(1), key: 'global' } } })
  const configs: Record<string, RouteRateLimit> = {
    '/ip': only(1),
    '/named': 'all',
    '/user': { ...only(1), key: user },
    '/late': { ...only(1), hook: 'preHandler' },
    '/chosen': () => 'all',
    '/chosen-late': async () => 'all',
  }
  for (const [url, rateLimit] of Object.entries(configs)) {
    app.options(url, { config: { rateLimit } }, ok)
  }
  for (const url of Object.keys(configs)) {
    t.same(await ask(app, preflight(url), preflight(url)), ['200 -', '200 -'], url)
  }
  t.equal(left(app, 'guard'), 1)
  t.equal(left(app, 'all', 'global'), 1)
})

test('a hook placed by hand before everything else denies no preflight', async (t) => {
  const app = await limited({ limiters: { all: only(1) } })
  app.addHook('onRequest', app.rateLimit.hook('all'))
  await app.register(cors)
  app.post('/', ok)
  t.same(await ask(app, preflight('/'), preflight('/')), ['204 -', '204 -'])
  t.equal(left(app, 'all'), 1)
})

const NOT_PREFLIGHTS: Record<string, Record<string, string>> = {
  'without either header': {},
  'without Origin': { 'access-control-request-method': 'POST' },
  'without Access-Control-Request-Method': { origin: 'https://a.example' },
}

for (const [what, headers] of Object.entries(NOT_PREFLIGHTS)) {
  test(`an OPTIONS request ${what} is charged and denied like any other`, async (t) => {
    const app = await limited(only(1))
    app.options('/', ok)
    const request = { method: 'OPTIONS', url: '/', headers } as const
    t.same(await ask(app, request, request), ['200 0', '429 0'])
  })
}

test('a request of another method with the headers of a preflight is no preflight', async (t) => {
  const app = await limited(only(1))
  app.post('/', ok)
  const request = { ...preflight('/'), method: 'POST' } as const
  t.same(await ask(app, request, request), ['200 0', '429 0'])
})

test('what looks like a preflight and meets no route is limited as a 404', async (t) => {
  const app = await limited({ ...only(9), guard: only(2) })
  app.post('/', ok)
  t.same(await ask(app, preflight('/'), preflight('/'), preflight('/')), ['404 1', '404 0', '429 0'])
  t.equal(left(app), 7)
})
