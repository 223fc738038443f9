import type { RouteShorthandOptions } from 'fastify'
import { test } from 'tap'
import type { RouteRateLimit } from '../../../lib/index.js'
import { ask, left, limited, ok, only, user } from '../support/app.js'

const CONFIGS: Record<string, RouteRateLimit | undefined> = {
  'the default limiter': undefined,
  'a named limiter': 'named',
  'its own policy by IP': only(3),
  'its own policy by user': { ...only(3), key: user },
  'its own policy at preValidation': { ...only(3), hook: 'preValidation' },
  'its own policy at preHandler': { ...only(3), hook: 'preHandler' },
  'a list': ['named', { ...only(3), key: user }],
  'a list with a limiter that is defined later': ['later', only(3)],
  'a limiter chosen by request': () => 'named',
}

for (const [what, rateLimit] of Object.entries(CONFIGS)) {
  test(`GET and its automatic HEAD share ${what}, and each request is charged once`, async (t) => {
    const app = await limited({ ...only(3), limiters: { named: only(3) } })
    app.get('/', { config: { rateLimit } }, ok)
    app.rateLimit.define('later', only(5))
    t.same(await ask(app, 'HEAD /', 'GET /', 'HEAD /', 'GET /', 'HEAD /'), [
      '200 2',
      '200 1',
      '200 0',
      '429 0',
      '429 0',
    ])
  })
}

test('the guard charges an automatic HEAD once', async (t) => {
  const app = await limited({ guard: only(9) })
  app.get('/', ok)
  await ask(app, 'HEAD /', 'GET /')
  t.equal(left(app, 'guard'), 7)
})

test('a route that is exempt is exempt for its automatic HEAD too', async (t) => {
  const app = await limited({ ...only(1), exempt: ['/docs'] })
  app.get('/free', { config: { rateLimit: false } }, ok)
  app.get('/docs', ok)
  const requests = ['HEAD /free', 'HEAD /docs', 'GET /docs', 'GET /free']
  t.same(
    await ask(app, ...requests),
    requests.map(() => '200 -'),
  )
})

test('a HEAD route declared by hand has the limits of its own config', async (t) => {
  const app = await limited()
  app.head('/', { config: { rateLimit: only(1) } }, ok)
  app.get('/', { config: { rateLimit: only(2) } }, ok)
  t.same(await ask(app, 'HEAD /', 'HEAD /'), ['200 0', '429 0'])
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
})

const UNEXPOSED: { how: string; server: object; route: RouteShorthandOptions }[] = [
  { how: 'exposeHeadRoute: false', server: {}, route: { exposeHeadRoute: false } },
  { how: 'exposeHeadRoutes: false', server: { exposeHeadRoutes: false }, route: {} },
]

for (const { how, server, route } of UNEXPOSED) {
  test(`with ${how} a HEAD is a 404: the default limiter by IP counts it, the policy of the GET does not`, async (t) => {
    const app = await limited(only(2), server)
    app.get('/', { ...route, config: { rateLimit: only(1) } }, ok)
    t.same(await ask(app, 'HEAD /', 'HEAD /', 'HEAD /'), ['404 1', '404 0', '429 0'])
    t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  })

  test(`with ${how} a HEAD by hand beside the GET has its own limits`, async (t) => {
    const app = await limited({}, server)
    app.get('/', { ...route, config: { rateLimit: only(1) } }, ok)
    app.head('/', { config: { rateLimit: only(2) } }, ok)
    t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
    t.same(await ask(app, 'HEAD /', 'HEAD /', 'HEAD /'), ['200 1', '200 0', '429 0'])
  })
}

test('exposeHeadRoute: true shares the bucket where the server exposes none by default', async (t) => {
  const app = await limited({}, { exposeHeadRoutes: false })
  app.get('/', { exposeHeadRoute: true, config: { rateLimit: only(1) } }, ok)
  t.same(await ask(app, 'HEAD /', 'GET /'), ['200 0', '429 0'])
})
