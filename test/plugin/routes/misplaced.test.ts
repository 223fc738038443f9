import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, type Emitted, emitted } from '../support/warnings.js'

const ok = async () => 'ok'
const route = (options: object) => options as RouteShorthandOptions

async function declared(
  t: Test,
  build: (app: FastifyInstance) => unknown,
  options: RateLimitOptions = {},
): Promise<Emitted[]> {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, options)
  await build(app)
  await app.ready()
  t.ok(codes(list).every((code) => code === 'W015'))
  return list
}

const MISTAKES: [object, string][] = [
  [{ rateLimit: { rate: 5 } }, 'rateLimit beside config'],
  [{ rateLimit: false, config: {} }, 'rateLimit beside config'],
  [{ ratelimit: 'login', config: { rateLimit: 'default' } }, 'ratelimit beside config'],
  [{ config: { ratelimit: { rate: 5 } } }, 'config.ratelimit'],
  [{ config: { rate_limit: { rate: 5 } } }, 'config.rate_limit'],
  [{ config: { RateLimit: false } }, 'config.RateLimit'],
  [{ config: { rateLimit: 'default', 'rate-limit': 5 } }, 'config.rate-limit'],
]
for (const [options, where] of MISTAKES) {
  test(`W015: ${JSON.stringify(options)} warns once for the route, its automatic HEAD included`, async (t) => {
    const list = await declared(t, (app) => app.get('/a', route(options), ok))
    t.equal(list.length, 1)
    t.match(list[0].message, `The route /a has ${where}, which is not read`)
    t.match(list[0].message, /Write config: \{ rateLimit: … \}\./)
  })
}

test('W015: each route warns for itself, those of prefixed plugins too, and the slash of one makes no second route', async (t) => {
  const list = await declared(t, (app) => {
    app.get('/a', route({ rateLimit: false }), ok)
    app.post('/b', route({ rateLimit: false }), ok)
    app.register(async (scope) => scope.get('/', route({ rateLimit: false }), ok), { prefix: '/v1' })
  })
  t.same(
    list.map(({ message }) => /^The route (\S+)/.exec(message)?.[1]),
    ['/a', '/b', '/v1'],
  )
})

test('W015: a route of a nested registration warns once, not once for each registration', async (t) => {
  const list = await declared(t, (app) =>
    app.register(async (scope) => {
      await scope.register(rateLimit)
      scope.get('/a', route({ rateLimit: false }), ok)
    }),
  )
  t.equal(list.length, 1)
})

for (const options of [
  {},
  { config: {} },
  { config: { rateLimit: false } },
  { config: { limit: 5, rateLimited: 1, rates: 1 } },
]) {
  test(`W015: no warning of ${JSON.stringify(options)}`, async (t) => {
    t.same(await declared(t, (app) => app.get('/a', route(options), ok)), [])
  })
}

test('W015 can be switched off', async (t) => {
  const warnings = { FST_FLOODGATE_W015: false }
  t.same(await declared(t, (app) => app.get('/a', route({ rateLimit: false }), ok), { warnings }), [])
})
