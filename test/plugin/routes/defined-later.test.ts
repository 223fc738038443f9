import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type RouteRateLimit } from '../../../lib/index.js'
import { ask, frozenStore, left, limited, ok, only, user } from '../support/app.js'

const UNKNOWN = { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' }

for (const policy of [only(1), { ...only(1), key: user }, { ...only(1), hook: 'preHandler' as const }]) {
  test(`a limiter defined after the routes that name it limits them: ${Object.keys(policy)}`, async (t) => {
    const app = await limited(only(9))
    app.get('/name', { config: { rateLimit: 'late' } }, ok)
    app.get('/list', { config: { rateLimit: ['default', 'late'] } }, ok)
    app.rateLimit.define('late', policy)
    t.same(await ask(app, 'GET /name', 'HEAD /name', 'GET /list'), ['200 0', '429 0', '429 0'])
    t.equal(left(app), 9, 'the default limiter of the list was not charged by the denial')
  })
}

test('a limiter may be defined in onReady hooks of before the plugin, and in plugins that load last', async (t) => {
  const app = Fastify()
  app.addHook('onReady', async () => void app.rateLimit.define('ready', only(1)))
  await app.register(rateLimit, { store: frozenStore() })
  app.get('/ready', { config: { rateLimit: 'ready' } }, ok)
  app.get('/plugin', { config: { rateLimit: 'plugin' } }, ok)
  app.register(async (scope) => void scope.rateLimit.define('plugin', only(1)))
  t.same(await ask(app, 'GET /ready', 'GET /ready'), ['200 0', '429 0'])
  t.same(await ask(app, 'GET /plugin', 'GET /plugin'), ['200 0', '429 0'])
})

const NEVER: Record<string, RouteRateLimit> = {
  'a name': 'nope',
  'a list': ['default', 'nope'],
  'a list with a policy': [only(1), 'nope'],
}

for (const [what, rateLimit] of Object.entries(NEVER)) {
  test(`ready() rejects where ${what} in a route names a limiter that nobody defined`, async (t) => {
    const app = await limited()
    app.get('/', { config: { rateLimit } }, ok)
    await t.rejects(async () => app.ready(), UNKNOWN)
  })
}

test('ready() rejects for an unknown limiter in a nested scope, and says which one it may have been', async (t) => {
  const app = await limited({ limiters: { login: only(1) } })
  app.register(async (scope) => scope.get('/', { config: { rateLimit: 'logn' } }, ok))
  await t.rejects(async () => app.ready(), { ...UNKNOWN, message: /logn.*login/s })
})

test('ready() rejects for an unknown limiter of a registration in a child scope', async (t) => {
  const app = Fastify()
  app.register(async (scope) => {
    await scope.register(rateLimit)
    scope.get('/', { config: { rateLimit: 'nope' } }, ok)
  })
  await t.rejects(async () => app.ready(), UNKNOWN)
})
