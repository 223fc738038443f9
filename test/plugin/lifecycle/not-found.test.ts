import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { ask, left, limited, ok, only, tracer, user } from '../support/app.js'

const HANDLERS: Record<string, (app: FastifyInstance) => void> = {
  'the default handler': () => {},
  'a custom handler': (app) => app.setNotFoundHandler((_request, reply) => reply.code(404).send('mine')),
  'a custom handler with hooks': (app) =>
    app.setNotFoundHandler(
      { preHandler: async () => {}, preValidation: [async () => {}] },
      (_request, reply) => reply.code(404).send('mine'),
    ),
  'a custom handler of a prefixed scope': (app) =>
    void app.register(
      async (scope) => scope.setNotFoundHandler((_request, reply) => reply.code(404).send('theirs')),
      { prefix: '/v1' },
    ),
}

for (const [handler, set] of Object.entries(HANDLERS)) {
  test(`404s are limited by the default limiter by IP: ${handler}`, async (t) => {
    const app = await limited(only(2))
    app.get('/', ok)
    set(app)
    t.same(await ask(app, 'GET /v1/a', 'POST /v1/b', 'GET /v1/c'), ['404 1', '404 0', '429 0'])
    t.same(await ask(app, 'GET /'), ['429 0'], 'in the same bucket as the routes')
  })

  test(`404s are counted by the guard only, where the default limiter needs to know more: ${handler}`, async (t) => {
    const app = await limited({ ...only(1), keys: { user }, key: 'user', guard: only(2) })
    set(app)
    t.same(await ask(app, 'GET /v1/a', 'GET /v1/b', 'GET /v1/c'), ['404 1', '404 0', '429 0'])
  })

  test(`404s are not limited by a default limiter by user: ${handler}`, async (t) => {
    const app = await limited({ ...only(1), keys: { user }, key: 'user' })
    set(app)
    t.same(await ask(app, 'GET /v1/a', 'GET /v1/b'), ['404 -', '404 -'])
  })

  test(`404s that are denied leave the body unread: ${handler}`, async (t) => {
    const trace: string[] = []
    const app = await limited({ rate: 0 })
    app.addHook('preParsing', tracer(trace).parsing('preParsing'))
    set(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(
      'POST /v1/a HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n',
    )
    const [head] = await once(socket, 'data')
    t.match(String(head), /^HTTP\/1\.1 429 /)
    t.same(trace, [])
    socket.destroy()
    await app.close()
  })
}

test('404s are limited where the default limiter by IP runs late', async (t) => {
  const app = await limited({ ...only(1), hook: 'preHandler' })
  t.same(await ask(app, 'GET /a', 'GET /b'), ['404 0', '429 0'])
})

test('404s are not limited by a default limiter by global, which is no IP', async (t) => {
  const app = await limited({ ...only(1), key: 'global' })
  t.same(await ask(app, 'GET /a', 'GET /b'), ['404 -', '404 -'])
})

test('a method that a URL does not have is a 404 like others', async (t) => {
  const app = await limited(only(1))
  app.get('/', { config: { rateLimit: false } }, ok)
  t.same(await ask(app, 'DELETE /', 'DELETE /'), ['404 0', '429 0'])
})

test('404s of a scope with a registration of its own meet its default limiter, and the guard of the outer one', async (t) => {
  const app = await limited({ ...only(9), guard: only(9) })
  app.register(
    async (scope) => {
      await scope.register((await import('../../../lib/index.js')).default, only(1))
      scope.setNotFoundHandler((_request, reply) => reply.code(404).send())
    },
    { prefix: '/v1' },
  )
  t.same(await ask(app, 'GET /v1/a', 'GET /v1/a'), ['404 0', '429 0'])
  t.equal(left(app), 9)
  t.equal(left(app, 'guard'), 7)
  t.same(await ask(app, 'GET /a'), ['404 6'])
})

test('a hook placed by hand limits the handler of 404s', async (t) => {
  const app = await limited({ keys: { user }, key: 'user', limiters: { login: { ...only(1), key: 'ip' } } })
  app.setNotFoundHandler({ preHandler: app.rateLimit.hook('login') }, (_request, reply) =>
    reply.code(404).send(),
  )
  app.get('/gone', { config: { rateLimit: false } }, (_request, reply) => reply.callNotFound())
  t.same(await ask(app, 'GET /a', 'GET /b', 'GET /gone'), ['404 0', '429 0', '429 0'])
})

for (const warm of [false, true]) {
  test(`a route that hands over to the 404 handler is charged once, ${warm ? 'after' : 'without'} another 404`, async (t) => {
    const app = await limited({ ...only(9), hook: 'preHandler' })
    app.get('/gone', (_request, reply) => reply.callNotFound())
    if (warm) await ask(app, 'GET /none')
    const before = left(app)
    await ask(app, 'GET /gone')
    t.equal(left(app), before - 1)
  })
}
