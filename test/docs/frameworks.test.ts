import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { runSnippet } from '../fixtures/snippet-runner.js'

test('order of plugins: a 429 has the headers of the plugins before the limiter', async (t) => {
  const { app } = await runSnippet(t, 'docs/frameworks.md', 'order')
  const ask = () => app.inject({ url: '/', headers: { origin: 'https://example.com' } })
  t.equal((await ask()).statusCode, 200)
  const { statusCode, headers } = await ask()
  t.equal(statusCode, 429)
  t.equal(headers['access-control-allow-origin'], 'https://example.com')
  t.match(headers['access-control-expose-headers'], /retry-after/)
  t.equal(headers['x-content-type-options'], 'nosniff')
})

test('tRPC: a batch costs as much as its procedures', async (t) => {
  const { app } = await runSnippet(t, 'docs/frameworks.md', 'trpc')
  // As fastifyTRPCPlugin does.
  await app.register(async (scope) => scope.all('/:path', async () => 'ok'), { prefix: '/trpc' })
  const left = async (path: string) => {
    const { statusCode, headers } = await app.inject(`/trpc/${path}`)
    return `${statusCode} ${headers['x-ratelimit-remaining']} ${headers['retry-after']}`
  }
  t.equal(await left('user.get'), '200 19 undefined')
  t.equal(await left('user.get,post.list,post.list?batch=1'), '200 16 undefined')
  t.match(await left(Array(21).fill('user.get').join()), /^429 \d+ undefined$/)
})

test('NestJS: a hook after the plugin says who it is, a handler says it too late', async (t) => {
  for (const [place, expected] of [
    ['onRequest', ['200', '429', '200']],
    ['handler', ['200', '429', '429']],
  ] as const) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.decorateRequest('user', undefined)
    await app.register(rateLimit, {
      burst: 1,
      key: (request) => (request as unknown as { user?: string }).user,
      guard: { rate: 600, burst: 60 },
      store: memoryStore({ clock: new ManualClock() }),
      warnings: false,
    })
    const authenticate = async (request: object) => {
      Object.assign(request, { user: (request as { headers: Record<string, string> }).headers['x-user'] })
    }
    if (place === 'onRequest') app.addHook('onRequest', authenticate)
    app.get('/', async (request) => {
      if (place === 'handler') await authenticate(request)
      return 'ok'
    })
    const codes: string[] = []
    for (const user of ['ann', 'ann', 'bob'])
      codes.push(String((await app.inject({ url: '/', headers: { 'x-user': user } })).statusCode))
    t.same(codes, expected, place)
  }
})

test('NestJS: its error handler recognizes a denial as an error of Fastify', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
    // The condition under which NestJS makes an HttpException with the status of the error.
    const isKnown = error.statusCode !== undefined && error instanceof Error && error.name === 'FastifyError'
    return reply.code(isKnown ? Number(error.statusCode) : 500).send(error.message)
  })
  await app.register(rateLimit, { burst: 1 })
  app.get('/', async () => 'ok')
  await app.inject('/')
  const denied = await app.inject('/')
  t.equal(denied.statusCode, 429)
  t.match(denied.headers, { 'retry-after': '1', 'x-ratelimit-remaining': '0' })
})
