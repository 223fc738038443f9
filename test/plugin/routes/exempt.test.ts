import Fastify, { type FastifyInstance } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, emitted } from '../support/warnings.js'

const ok = async () => 'ok'

/** The patterns of W014 when an app is ready; nothing else may be emitted. */
async function unmatched(
  t: Test,
  exempt: string[],
  build: (app: FastifyInstance) => unknown = () => {},
  options: RateLimitOptions = {},
  before: (app: FastifyInstance) => unknown = () => {},
): Promise<string[]> {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await before(app)
  await app.register(rateLimit, { exempt, ...options })
  await build(app)
  await app.ready()
  t.ok(codes(list).every((code) => code === 'W014'))
  return list.map(
    ({ message }) => /^The pattern (\S+) in the option exempt matches no route/.exec(message)?.[1] ?? message,
  )
}

test('W014 is emitted at ready for each pattern that matches no route, once', async (t) => {
  const build = (app: FastifyInstance) => {
    app.get('/docs', ok)
    app.get('/v1/:id', ok)
  }
  const exempt = ['/docs', '/dcos', '/docs/*', '/v1/7', '/v1/:id', '/v1/:other', '/dcos']
  t.same(await unmatched(t, exempt, build), ['/dcos', '/docs/*', '/v1/7', '/v1/:other'])
})

const MATCHES: [string, string[], (app: FastifyInstance) => unknown][] = [
  ['*, which needs none', ['*'], () => {}],
  [
    'a route with a config of its own',
    ['/a'],
    (app) => app.get('/a', { config: { rateLimit: { rate: 1 } } }, ok),
  ],
  ['a prefix', ['/docs*', '/docs/*'], (app) => app.get('/docs/static/*', ok)],
  [
    'a route of a prefixed plugin',
    ['/v1/a'],
    (app) => app.register(async (s) => s.get('/a', ok), { prefix: '/v1' }),
  ],
  [
    "a prefixed '/' with and without its slash",
    ['/v1', '/v1/'],
    (app) => app.register(async (s) => s.get('/', ok), { prefix: '/v1' }),
  ],
  [
    'a route that a nested registration limits',
    ['/inner'],
    (app) =>
      app.register(async (scope) => {
        await scope.register(rateLimit)
        scope.get('/inner', ok)
      }),
  ],
]
for (const [what, exempt, build] of MATCHES) {
  test(`W014: no warning of a pattern that matches ${what}`, async (t) => {
    t.same(await unmatched(t, exempt, build), [])
  })
}

test('W014: no warning where routes were declared before the plugin, which does not see them', async (t) => {
  t.same(await unmatched(t, ['/early', '/other'], undefined, undefined, (app) => app.get('/early', ok)), [])
})

test('W014: the route for CORS preflights that was there before hides none', async (t) => {
  t.same(await unmatched(t, ['/docs'], undefined, undefined, (app) => app.options('*', ok)), ['/docs'])
})

test('W014: a route that chooses its limiter by a function hides no pattern', async (t) => {
  const build = (app: FastifyInstance) => app.get('/', { config: { rateLimit: () => 'default' } }, ok)
  t.same(await unmatched(t, ['/docs'], build), ['/docs'])
})

test('W014 can be switched off', async (t) => {
  t.same(await unmatched(t, ['/docs'], undefined, { warnings: { FST_FLOODGATE_W014: false } }), [])
})
