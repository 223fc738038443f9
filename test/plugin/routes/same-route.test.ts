import type { FastifyServerOptions, RouteShorthandOptions } from 'fastify'
import { test } from 'tap'
import type { RoutePolicy } from '../../../lib/index.js'
import { ask, limited, ok, only, user } from '../support/app.js'

type Slash = NonNullable<RouteShorthandOptions['prefixTrailingSlash']>

const URLS: Record<string, { slash: Slash; server: FastifyServerOptions; prefix: string; urls: string[] }> = {
  "prefixTrailingSlash 'both'": { slash: 'both', server: {}, prefix: '/v1', urls: ['/v1', '/v1/'] },
  "prefixTrailingSlash 'slash'": { slash: 'slash', server: {}, prefix: '/v1', urls: ['/v1/'] },
  "prefixTrailingSlash 'no-slash'": { slash: 'no-slash', server: {}, prefix: '/v1', urls: ['/v1'] },
  'a prefix that ends in a slash': { slash: 'both', server: {}, prefix: '/v1/', urls: ['/v1/'] },
  ignoreTrailingSlash: {
    slash: 'both',
    server: { routerOptions: { ignoreTrailingSlash: true } },
    prefix: '/v1',
    urls: ['/v1', '/v1/'],
  },
  ignoreDuplicateSlashes: {
    slash: 'both',
    server: { routerOptions: { ignoreDuplicateSlashes: true } },
    prefix: '/v1/',
    urls: ['/v1/', '/v1//'],
  },
}
const POLICIES: Record<string, RoutePolicy> = {
  'by IP': { key: 'ip' },
  'by user': { key: user },
  'at preHandler': { hook: 'preHandler' },
}

for (const [how, { slash, server, prefix, urls }] of Object.entries(URLS)) {
  for (const [who, policy] of Object.entries(POLICIES)) {
    const requests = ['HEAD', 'GET', 'HEAD', 'GET'].flatMap((method) => urls.map((url) => `${method} ${url}`))
    test(`a prefixed '/' has one bucket for all its URLs and their HEADs: ${how}, ${who}`, async (t) => {
      const app = await limited({ ...only(100), key: 'global' }, server)
      await app.register(
        async (scope) => {
          scope.get(
            '/',
            { prefixTrailingSlash: slash, config: { rateLimit: { ...only(100), ...policy } } },
            ok,
          )
        },
        { prefix },
      )
      t.same(
        await ask(app, ...requests),
        requests.map((_, i) => `200 ${99 - i}`),
      )
    })
  }
}

for (const exempt of ['/v1', '/v1/', '/v1*']) {
  test(`a prefixed '/' is exempt under all its URLs and methods where '${exempt}' is`, async (t) => {
    const app = await limited({ rate: 0, exempt: [exempt] })
    app.register(async (scope) => scope.get('/', ok), { prefix: '/v1' })
    const requests = ['GET /v1', 'GET /v1/', 'HEAD /v1', 'HEAD /v1/']
    t.same(
      await ask(app, ...requests),
      requests.map(() => '200 -'),
    )
  })
}

test('ignoreTrailingSlash makes one bucket of both spellings of a URL', async (t) => {
  const app = await limited({}, { routerOptions: { ignoreTrailingSlash: true } })
  app.get('/a', { config: { rateLimit: only(2) } }, ok)
  t.same(await ask(app, 'GET /a', 'GET /a/', 'HEAD /a/'), ['200 1', '200 0', '429 0'])
})

test('a route of several methods is one route, its automatic HEAD included', async (t) => {
  const app = await limited()
  app.route({ method: ['GET', 'POST'], url: '/', config: { rateLimit: only(3) }, handler: ok })
  t.same(await ask(app, 'POST /', 'HEAD /', 'GET /', 'POST /'), ['200 2', '200 1', '200 0', '429 0'])
})

test('a route with parameters is one route whatever they are', async (t) => {
  const app = await limited()
  app.get('/:id', { config: { rateLimit: only(1) } }, ok)
  t.same(await ask(app, 'GET /a', 'GET /b'), ['200 0', '429 0'])
})

/** One object, of which every use is a policy of its own. */
const POLICY = Object.freeze(only(1))

for (const [what, config] of Object.entries({ object: POLICY, list: Object.freeze([POLICY]) })) {
  test(`the same ${what} given to two URLs, two methods or two scopes makes separate buckets`, async (t) => {
    const app = await limited()
    const options = { config: { rateLimit: config } }
    app.get('/a', options, ok)
    app.get('/b', options, ok)
    app.post('/a', options, ok)
    app.get('/a/', options, ok)
    for (const prefix of ['/v1', '/v2'])
      app.register(async (scope) => scope.get('/a', options, ok), { prefix })
    for (const route of ['GET /a', 'GET /b', 'POST /a', 'GET /a/', 'GET /v1/a', 'GET /v2/a']) {
      t.same(await ask(app, route, route), ['200 0', '429 0'], route)
    }
  })
}

const CONSTRAINTS: Record<
  string,
  { constraints: RouteShorthandOptions['constraints']; headers: Record<string, string> }[]
> = {
  version: [
    { constraints: {}, headers: {} },
    { constraints: { version: '1.0.0' }, headers: { 'accept-version': '1.0.0' } },
    { constraints: { version: '2.0.0' }, headers: { 'accept-version': '2.0.0' } },
  ],
  host: [
    { constraints: { host: 'a.example' }, headers: { host: 'a.example' } },
    { constraints: { host: 'b.example' }, headers: { host: 'b.example' } },
  ],
  'host pattern': [
    { constraints: { host: /^a\d*\.example$/ }, headers: { host: 'a1.example' } },
    { constraints: { host: /^b\d*\.example$/ }, headers: { host: 'b1.example' } },
  ],
}

for (const [what, routes] of Object.entries(CONSTRAINTS)) {
  for (const own of [true, false]) {
    test(`the same URL under another ${what} constraint is separate, with ${own ? 'an object each' : 'one object for all'}`, async (t) => {
      const app = await limited()
      for (const { constraints } of routes) {
        app.get('/', { constraints, config: { rateLimit: own ? { ...POLICY } : POLICY } }, ok)
      }
      for (const { headers } of routes) {
        const get = { method: 'GET', url: '/', headers } as const
        const head = { method: 'HEAD', url: '/', headers } as const
        t.same(await ask(app, get, head, get), ['200 0', '429 0', '429 0'], JSON.stringify(headers))
      }
    })
  }
}
