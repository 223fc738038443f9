import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { ask, frozenStore, left, limited, ok, only } from '../support/app.js'

const register = async (scope: FastifyInstance, options: RateLimitOptions) =>
  scope.register(rateLimit, { store: frozenStore(), ...options })

const decidedBy = async (request: { rateLimit: { limiter: string } | null }) =>
  request.rateLimit?.limiter ?? 'nobody'

test('sibling scopes have registries and limits of their own, and nothing leaks to their parent', async (t) => {
  const app = Fastify()
  const registries: unknown[] = []
  for (const [prefix, n] of [
    ['/a', 1],
    ['/b', 2],
  ] as const) {
    await app.register(
      async (scope) => {
        await register(scope, only(n))
        registries.push(scope.rateLimit)
        scope.get('/', ok)
      },
      { prefix },
    )
  }
  app.get('/', ok)
  t.same(await ask(app, 'GET /a', 'GET /a', 'GET /b', 'GET /b', 'GET /b'), [
    '200 0',
    '429 0',
    '200 1',
    '200 0',
    '429 0',
  ])
  t.same(await ask(app, 'GET /', 'GET /none'), ['200 -', '404 -'])
  t.not(registries[0], registries[1])
  t.notOk(app.hasDecorator('rateLimit'))
})

test('of nested registrations the innermost decides for a route', async (t) => {
  const app = await limited({ ...only(9), limiters: { outer: only(9) } })
  app.get('/', decidedBy)
  await app.register(
    async (scope) => {
      await register(scope, { ...only(2), limiters: { inner: only(1) } })
      t.not(scope.rateLimit, app.rateLimit)
      t.notOk(scope.rateLimit.has('outer'))
      scope.get('/', ok)
      scope.get('/named', { config: { rateLimit: 'inner' } }, decidedBy)
      await scope.register(async (child) => child.get('/child', ok))
    },
    { prefix: '/in' },
  )
  t.same(await ask(app, 'GET /in', 'GET /in/child', 'GET /in'), ['200 1', '200 0', '429 0'])
  t.equal((await app.inject('/in/named')).body, 'inner')
  t.equal(left(app), 9, 'the outer default limiter has seen none of it')
  t.same(await ask(app, 'GET /'), ['200 8'])
})

test('the guards of nested registrations all count, the outer one first', async (t) => {
  const app = await limited({ guard: only(3) })
  let inner: FastifyInstance | undefined
  await app.register(async (scope) => {
    await register(scope, { guard: only(2) })
    inner = scope
    scope.get('/in', ok)
    scope.get('/free', { config: { rateLimit: false } }, ok)
  })
  t.same(await ask(app, ...Array(4).fill('GET /in')), ['200 1', '200 0', '429 0', '429 0'])
  t.equal(left(app, 'guard'), 0)
  t.equal(left(inner as FastifyInstance, 'guard'), 0)
  t.same(await ask(app, 'GET /free'), ['200 -'], 'a route that is exempt is seen by no guard')
})

test('a route on the exempt list of the outer registration does not meet its guard, also if a nested registration decides', async (t) => {
  const app = await limited({ guard: only(1), exempt: ['/docs'] })
  await app.register(async (scope) => {
    await register(scope, only(9))
    scope.get('/docs', ok)
  })
  t.same(await ask(app, 'GET /docs', 'GET /docs'), ['200 8', '200 7'])
})

test('the innermost registration decides for routes declared before it has loaded', async (t) => {
  const app = await limited(only(9))
  await app.register(async (scope) => {
    scope.get('/before', ok)
    scope.register(rateLimit, { store: frozenStore(), ...only(2) })
    scope.get('/after', ok)
  })
  t.same(await ask(app, 'GET /before', 'GET /after', 'GET /before'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 9, 'the outer default limiter has seen none of it')
})

test('a route declared before the innermost registration has loaded may name its limiters and keys', async (t) => {
  const app = await limited()
  app.register(async (scope) => {
    scope.register(rateLimit, {
      store: frozenStore(),
      keys: { who: () => 'me' },
      limiters: { inner: only(1) },
    })
    scope.get('/named', { config: { rateLimit: 'inner' } }, ok)
    scope.get('/keyed', { config: { rateLimit: { ...only(1), key: 'who' } } }, ok)
  })
  t.same(await ask(app, 'GET /named', 'GET /named'), ['200 0', '429 0'])
  t.same(await ask(app, 'GET /keyed', 'GET /keyed'), ['200 0', '429 0'])
})

test('an outer registration that loads after an inner one adds its guard and nothing else', async (t) => {
  const app = Fastify()
  await app.register(async (scope) => {
    await register(scope, only(2))
    scope.get('/in', ok)
  })
  await register(app, { ...only(9), guard: only(9) })
  app.get('/', ok)
  t.same(await ask(app, 'GET /in', 'GET /in', 'GET /in'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 9)
  t.equal(left(app, 'guard'), 7, 'its guard stands behind the inner limiter, and sees what that allows')
})

test('a second registration in one scope is a coded error', async (t) => {
  const app = await limited()
  await t.rejects(async () => app.register(rateLimit, {}), { code: 'FST_FLOODGATE_DUPLICATE' })
})

test('a second registration in one scope is a coded error where neither is awaited', async (t) => {
  const app = Fastify()
  app.register(rateLimit)
  app.register(rateLimit)
  await t.rejects(async () => app.ready(), { code: 'FST_FLOODGATE_DUPLICATE' })
})

test('a second registration by a plugin without a scope of its own is a coded error', async (t) => {
  const app = await limited()
  const plugin = fp(async (scope) => void (await register(scope, {})), { fastify: '5.x' })
  await t.rejects(async () => app.register(plugin), { code: 'FST_FLOODGATE_DUPLICATE' })
})

test('scopes loaded before the plugin are limited, with request.rateLimit in their requests', async (t) => {
  const app = Fastify()
  await app.register(async (scope) => {
    scope.get('/child', decidedBy)
    await scope.register(async (grandchild) => {
      // A request decorator gives the scope a class of requests that is not its parent's.
      grandchild.decorateRequest('mine', null)
      grandchild.get('/grandchild', decidedBy)
    })
  })
  await app.register(fp(async (sibling) => void sibling.get('/sibling', decidedBy), { fastify: '5.x' }))
  await register(app, only(3))
  for (const url of ['/child', '/grandchild', '/sibling'])
    t.equal((await app.inject(url)).body, 'default', url)
  t.same(await ask(app, 'GET /child', 'GET /grandchild', 'GET /sibling'), Array(3).fill('429 0'))
})

test('request.rateLimit is null where no limiter has decided', async (t) => {
  const app = await limited()
  app.get('/', { config: { rateLimit: false } }, async (request) => ({ is: request.rateLimit }))
  t.same((await app.inject('/')).json(), { is: null })
})
