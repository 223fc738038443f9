import Fastify, { type RouteOptions } from 'fastify'
import { test } from 'tap'
import rateLimit, { type RoutePolicy } from '../../../lib/index.js'
import { ask, frozenStore, limited, ok, only, tracer, user } from '../support/app.js'

test('auth that a later plugin adds to each route in onRoute runs before the limiters by user', async (t) => {
  const trace: string[] = []
  const { hook, cost } = tracer(trace)
  const app = await limited()
  app.addHook('onRoute', (route) => {
    route.onRequest = [hook('auth')].concat((route.onRequest as never) ?? [])
  })
  app.get('/', { onRequest: hook('own'), config: { rateLimit: { key: user, cost: cost('limiter') } } }, ok)
  await ask(app, 'GET /')
  t.same(trace, ['auth', 'own', 'limiter'])
})

const PLACES: Record<string, RoutePolicy> = {
  'by IP': { key: 'ip' },
  'by user': { key: user },
  'at preValidation': { hook: 'preValidation' },
  'at preHandler': { hook: 'preHandler' },
}
const REBUILDS: Record<string, (config: RouteOptions['config']) => RouteOptions['config']> = {
  spreads: (config) => ({ ...config }),
  'builds again': (config) => ({ rateLimit: config?.rateLimit }),
}

for (const [place, policy] of Object.entries(PLACES)) {
  for (const [how, rebuild] of Object.entries(REBUILDS)) {
    test(`a request is charged once ${place} where a later plugin ${how} the config of each route`, async (t) => {
      const app = await limited()
      app.addHook('onRoute', (route) => {
        route.config = rebuild(route.config)
      })
      app.get('/', { config: { rateLimit: { ...only(3), ...policy } } }, ok)
      t.same(await ask(app, 'GET /', 'HEAD /', 'GET /', 'GET /'), ['200 2', '200 1', '200 0', '429 0'])
    })
  }
}

test('an earlier plugin may set config.rateLimit of each route in onRoute', async (t) => {
  const app = Fastify()
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, rateLimit: route.url === '/free' ? false : only(1) }
  })
  await app.register(rateLimit, { store: frozenStore() })
  app.get('/free', ok)
  app.get('/', ok)
  t.same(await ask(app, 'GET /free', 'GET /', 'GET /'), ['200 -', '200 0', '429 0'])
})
