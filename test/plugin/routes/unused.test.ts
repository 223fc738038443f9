import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, emitted } from '../support/warnings.js'

const ok = async () => 'ok'
const limiters = { login: { rate: 5 } }

/** The subjects of W005 when an app is ready; nothing else may be emitted. */
async function unused(
  t: Test,
  build: (app: FastifyInstance) => unknown = () => {},
  options: RateLimitOptions = { limiters },
  before: (app: FastifyInstance) => unknown = () => {},
): Promise<string[]> {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await before(app)
  await app.register(rateLimit, options)
  await build(app)
  await app.ready()
  t.ok(codes(list).every((code) => code === 'W005'))
  return list.map(({ message }) => /^The limiter (\S+) is defined/.exec(message)?.[1] ?? message)
}

const route = (rateLimit: unknown): RouteShorthandOptions => ({ config: { rateLimit } as never })

for (const option of ['rateLimit', 'notFound'] as const) {
  test(`W005: a function in the option ${option} may choose any limiter`, async (t) => {
    t.same(await unused(t, (app) => app.get('/', ok), { limiters, [option]: () => 'login' }), [])
  })
}

test('W005 is emitted at ready for a limiter that no code names, wherever it was defined', async (t) => {
  const build = (app: FastifyInstance) => {
    app.rateLimit.define('export', { rate: 1 })
    app.get('/', ok)
    app.get('/own', route({ rate: 3 }), ok)
  }
  t.same(await unused(t, build), ['login', 'export'])
})

const USES: [string, (app: FastifyInstance) => unknown][] = [
  ['named by a route', (app) => app.get('/', route('login'), ok)],
  ['named in a list', (app) => app.get('/', route(['default', 'login']), ok)],
  ['used by a route of a nested scope', (app) => app.register(async (s) => s.get('/', route('login'), ok))],
  [
    'one that a function may choose',
    (app) =>
      app.get(
        '/',
        route(() => 'login'),
        ok,
      ),
  ],
  ['given to hook()', (app) => app.setNotFoundHandler({ preHandler: app.rateLimit.hook('login') }, ok)],
  ['asked for by get()', (app) => app.rateLimit.get('login')],
  [
    'defined after the route that names it',
    (app) => {
      app.get('/', route('export'), ok)
      app.rateLimit.define('export', { rate: 1 })
      app.rateLimit.get('login')
    },
  ],
]
for (const [what, use] of USES) {
  test(`W005: no warning of a limiter that is ${what}`, async (t) => {
    t.same(await unused(t, use), [])
  })
}

test('W005: has() and iteration are no use, nor are the default limiter and the guard ever unused', async (t) => {
  const look = (app: FastifyInstance) => [app.rateLimit.has('login'), ...app.rateLimit]
  t.same(await unused(t, look, { limiters, guard: { rate: 9 } }), ['login'])
})

test('W005: no warning where a route that was declared before the plugin may name any', async (t) => {
  const early = (app: FastifyInstance) => app.get('/early', route('login'), ok)
  t.same(await unused(t, undefined, undefined, early), [])
})

test('W005: the route for CORS preflights that was there before names none', async (t) => {
  const early = (app: FastifyInstance) => app.options('*', ok)
  t.same(await unused(t, undefined, undefined, early), ['login'])
})

test("W005: a function of a nested registration's route chooses among its own limiters", async (t) => {
  const build = (app: FastifyInstance) =>
    app.register(async (scope) => {
      await scope.register(rateLimit, { limiters: { plan: { rate: 5 } } })
      scope.get(
        '/',
        route(() => 'plan'),
        ok,
      )
    })
  t.same(await unused(t, build), ['login'])
})

test('W005 can be switched off', async (t) => {
  const warnings = { FST_FLOODGATE_W005: false }
  t.same(await unused(t, undefined, { limiters, warnings }), [])
})
