import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

/** The reply to a request that is denied. `prepare` runs before the plugin is registered. */
async function denied(
  t: Test,
  options: RateLimitOptions,
  prepare: (app: FastifyInstance) => void = () => {},
  logger: FastifyServerOptions['logger'] = false,
) {
  const app = Fastify({ logger }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  prepare(app)
  const store = memoryStore({ clock: new ManualClock() })
  await app.register(rateLimit, { rate: 1, per: 'minute', store, ...options })
  app.get('/', async () => 'ok')
  await app.inject('/')
  return app.inject('/')
}

test("body: 'problem' answers a denial with problem details", async (t) => {
  const reply = await denied(t, { body: 'problem' })
  t.equal(reply.statusCode, 429)
  t.equal(reply.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.equal(reply.headers['cache-control'], 'no-store')
  t.strictSame(reply.json(), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too Many Requests',
    status: 429,
    detail: 'Rate limit exceeded, retry in 60 seconds',
    'violated-policies': ['default'],
  })
})

test('an error handler of the app comes before any body', async (t) => {
  for (const body of ['problem', () => 'mine'] as const) {
    const reply = await denied(t, { body }, (app) => {
      app.setErrorHandler((error: { code: string; statusCode: number }, _request, reply) => {
        reply.send({ code: error.code, status: error.statusCode })
      })
    })
    t.equal(reply.statusCode, 429)
    t.equal(reply.headers['cache-control'], 'no-store')
    t.strictSame(reply.json(), { code: 'FST_FLOODGATE_DENIED', status: 429 })
  }
})

test('a body function makes the body from the request and the decision, and may be async', async (t) => {
  const sync = await denied(t, {
    body: (request, decision) => ({ url: request.url, wait: decision.retryAfter, by: decision.violated }),
  })
  t.equal(sync.statusCode, 429)
  t.strictSame(sync.json(), { url: '/', wait: 60_000, by: ['default'] })
  const later = await denied(t, { body: async () => 'slow down' })
  t.match(later, { statusCode: 429, body: 'slow down' })
})

test('a body function that fails is logged, and the client gets the plain 429', async (t) => {
  const failures: (() => unknown)[] = [
    () => {
      throw new Error('oops')
    },
    async () => Promise.reject(new Error('oops')),
  ]
  for (const body of failures) {
    const lines: { msg: string; err?: { message: string } }[] = []
    const stream = { write: (line: string) => lines.push(JSON.parse(line)) }
    const reply = await denied(t, { body }, undefined, { level: 'error', stream })
    t.match(reply, { statusCode: 429, headers: { 'retry-after': '60' } })
    t.match(reply.json(), { code: 'FST_FLOODGATE_DENIED' })
    t.match(lines, [{ msg: 'body failed', err: { message: 'oops' } }])
  }
})

test('a payload that the reply refuses is logged too, and the client is answered', async (t) => {
  for (const body of [() => ({ a: 1 }), async () => ({ a: 1 })]) {
    const reply = await denied(t, { body }, (app) => {
      app.addHook('onRequest', async (_request, reply) => {
        reply.type('text/plain')
      })
    })
    t.match(reply.json(), { statusCode: 429, code: 'FST_FLOODGATE_DENIED' })
  }
})

test('a body that is none is refused at registration', async (t) => {
  for (const body of ['problems', 1, null] as never[]) {
    await t.rejects(denied(t, { body }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'body' is .*; allowed: 'fastify', 'problem' or a function$/,
    })
  }
})
