import Fastify, { type FastifyInstance } from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { Internals } from '../../../lib/plugin/internals.js'
import { limitNotFound } from '../../../lib/plugin/lifecycle/not-found.js'
import { ask, frozenStore, left, limited, ok, only, tracer, user } from '../support/app.js'

/**
 * Registers the plugin in a scope with that prefix. Returns the scope in an object, because a scope has a
 * `then`.
 */
async function nested(
  app: FastifyInstance,
  options: RateLimitOptions,
  build: (scope: FastifyInstance) => unknown = () => {},
  prefix = '/v1',
): Promise<{ scope: FastifyInstance }> {
  const nested = { scope: app }
  await app.register(
    async (scope) => {
      nested.scope = scope
      await scope.register(rateLimit, { store: frozenStore(), ...options })
      await build(scope)
    },
    { prefix },
  )
  return nested
}

const mine = (scope: FastifyInstance) =>
  scope.setNotFoundHandler((_request, reply) => reply.code(404).send('mine'))

const HANDLERS: Record<string, (scope: FastifyInstance) => unknown> = {
  'no handler of its own': () => {},
  'a handler of its own': mine,
  'a handler of a scope within': (scope) => scope.register(async (child) => void mine(child)),
}

for (const [handler, build] of Object.entries(HANDLERS)) {
  test(`404s below the prefix of a nested registration meet its default limiter: ${handler}`, async (t) => {
    const app = Fastify()
    await nested(app, only(2), build)
    t.same(await ask(app, 'GET /v1/a', 'POST /v1/b/c', 'GET /v1'), ['404 1', '404 0', '429 0'])
    t.same(await ask(app, 'GET /', 'GET /v12', 'GET /other/v1/a'), ['404 -', '404 -', '404 -'])
  })

  test(`404s below the prefix of a nested registration meet its guard: ${handler}`, async (t) => {
    const app = Fastify()
    await nested(app, { ...only(1), keys: { user }, key: 'user', guard: only(2) }, build)
    t.same(await ask(app, 'GET /v1/a', 'GET /v1/b', 'GET /v1/c'), ['404 1', '404 0', '429 0'])
  })

  test(`404s below a nested prefix meet the limiter of that registration and the guards of both: ${handler}`, async (t) => {
    const app = await limited({ ...only(9), guard: only(9) })
    const { scope } = await nested(app, { ...only(5), guard: only(3) }, build)
    t.same(await ask(app, ...Array(4).fill('GET /v1/a')), ['404 2', '404 1', '404 0', '429 0'])
    t.equal(left(app), 9)
    t.equal(left(app, 'guard'), 5)
    t.equal(left(scope), 2)
    t.same(await ask(app, 'GET /a'), ['404 4'], 'and others meet those of the root')
    t.equal(left(app), 8)
    t.equal(left(scope), 2)
  })

  test(`404s that a nested registration denies leave the body unread: ${handler}`, async (t) => {
    const trace: string[] = []
    const app = Fastify()
    app.addHook('preParsing', tracer(trace).parsing('preParsing'))
    await nested(app, { rate: 0 }, build)
    t.same(await ask(app, 'POST /v1/a'), ['429 0'])
    t.same(trace, [])
  })
}

test('a nested registration leaves all else about 404s as it was', async (t) => {
  const trace: string[] = []
  const { hook } = tracer(trace)
  const app = Fastify()
  app.addHook('onRequest', hook('outer'))
  app.setNotFoundHandler({ preHandler: hook('preHandler') }, function (request, reply) {
    reply.code(404).send([this === app, request.server === app])
  })
  await nested(app, only(9), (scope) => {
    scope.addHook('onRequest', hook('inner'))
    scope.get('/', ok)
  })
  const reply = await app.inject('/v1/a')
  t.same(reply.json(), [true, true])
  t.same(trace.splice(0), ['outer', 'preHandler'], 'hooks of the scope see its routes only')
  await app.inject('/v1')
  t.same(trace, ['outer', 'inner'])
})

test('a default limiter that runs late runs late for the 404s of a nested registration', async (t) => {
  const trace: string[] = []
  const { hook, cost } = tracer(trace)
  const app = Fastify()
  app.setNotFoundHandler({ preHandler: hook('preHandler') }, (_request, reply) => reply.code(404).send())
  await nested(app, { ...only(1), hook: 'preHandler', cost: cost('default') })
  t.same(await ask(app, 'GET /v1/a', 'GET /v1/b', 'GET /b'), ['404 0', '429 0', '404 -'])
  t.same(trace, ['preHandler', 'default', 'preHandler', 'default', 'preHandler'])
})

test('a nested registration exposes the headers of its 404s', async (t) => {
  const app = Fastify()
  await nested(app, { ...only(1), exposeHeaders: true })
  t.match((await app.inject('/v1/a')).headers['access-control-expose-headers'], 'x-ratelimit-remaining')
  t.equal((await app.inject('/a')).headers['access-control-expose-headers'], undefined)
})

test('of registrations within each other the innermost decides for the 404s below its prefix', async (t) => {
  for (const build of [() => {}, mine]) {
    const app = Fastify()
    let inner: { scope: FastifyInstance } = { scope: app }
    const outer = await nested(
      app,
      { ...only(9), guard: only(9) },
      async (scope) => {
        build(scope)
        inner = await nested(scope, { ...only(9), guard: only(9) }, undefined, '/admin')
      },
      '/v1/',
    )
    t.same(await ask(app, 'GET /v1/admin/a', 'GET /v1/admin', 'GET /v1/a'), ['404 8', '404 7', '404 6'])
    t.equal(left(outer.scope), 8)
    t.equal(left(inner.scope), 7)
    t.equal(left(outer.scope, 'guard'), 6)
    t.equal(left(inner.scope, 'guard'), 7)
  }
})

test('of two registrations of one prefix the first counts its 404s', async (t) => {
  const app = Fastify()
  const first = await nested(app, { ...only(5), guard: only(9) })
  const second = await nested(app, { ...only(5), guard: only(9) })
  t.same(await ask(app, 'GET /v1/a'), ['404 4'])
  t.same([left(first.scope), left(first.scope, 'guard')], [4, 8])
  t.same([left(second.scope), left(second.scope, 'guard')], [5, 9])
})

for (const [handler, build] of Object.entries({ 'no handler': () => {}, 'a handler': mine })) {
  test(`a registration within another one of the same prefix leaves the 404s to that: ${handler}`, async (t) => {
    const app = Fastify()
    const outer = await nested(app, only(5), async (scope) => {
      await nested(scope, { ...only(9), guard: only(9) }, undefined, '')
      build(scope)
    })
    t.same(await ask(app, 'GET /v1/a'), ['404 4'])
    t.equal(left(outer.scope), 4)
  })
}

test('a registration whose prefix is that of a handler around it limits the 404s there', async (t) => {
  const app = Fastify()
  await app.register(
    async (scope) => {
      mine(scope)
      await nested(scope, only(1), undefined, '')
    },
    { prefix: '/v1' },
  )
  t.same(await ask(app, 'GET /v1/a', 'GET /v1/a', 'GET /a'), ['404 0', '429 0', '404 -'])
})

test('a handler of 404s that names limiters keeps them, whatever is nested', async (t) => {
  const app = await limited({ ...only(9), limiters: { none: only(1) } })
  app.setNotFoundHandler({ config: { rateLimit: 'none' } } as object, (_request, reply) =>
    reply.code(404).send(),
  )
  await nested(app, only(5))
  t.same(await ask(app, 'GET /a', 'GET /v1/a'), ['404 0', '429 0'])
})

test('a route that hands over to the 404 handler is charged once, in a nested registration, too', async (t) => {
  const app = Fastify()
  const { scope } = await nested(app, { ...only(9), hook: 'preHandler' }, (scope) =>
    scope.get('/gone', (_request, reply) => reply.callNotFound()),
  )
  t.same(await ask(app, 'GET /v1/none', 'GET /v1/gone'), ['404 8', '404 7'])
  t.equal(left(scope), 7)
})

test('a registration without a prefix of its own sees no 404s but those of a handler within it', async (t) => {
  const app = Fastify()
  await nested(app, only(1), undefined, '')
  t.same(await ask(app, 'GET /a', 'GET /a'), ['404 -', '404 -'])
})

test('a prefix with parameters has its 404s limited', async (t) => {
  const app = Fastify()
  await nested(app, only(1), undefined, '/:tenant/api')
  t.same(await ask(app, 'GET /x/api/a', 'GET /y/api/b', 'GET /x/b'), ['404 0', '429 0', '404 -'])
})

test('where Fastify hides its router of 404s, they stay as they are', async (t) => {
  t.doesNotThrow(() => limitNotFound({ prefix: '/v1' } as FastifyInstance, {}, new Internals()))
})
