import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type RouteShorthandOptions,
} from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type Decision, memoryStore } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

/** An app in which the next request of `/` is denied. */
async function spent(t: Test, prepare: (app: FastifyInstance) => void, route: RouteShorthandOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { rate: 1, store: memoryStore({ clock: new ManualClock() }) })
  app.rateLimit.get('default').take('127.0.0.1')
  prepare(app)
  app.get('/', route, () => t.fail('the handler must not run'))
  return app
}

const message = 'Rate limit exceeded, retry in 60 seconds'
const limits = { 'retry-after': '60', 'cache-control': 'no-store', 'x-ratelimit-remaining': '0' }

type Denial = FastifyError & { decision: Decision }

test('an error handler sees statusCode, code, message and decision, and no stack', async (t) => {
  const seen: Denial[] = []
  const app = await spent(t, (app) =>
    app.setErrorHandler<Denial>((error, _request, reply) => {
      seen.push(error)
      reply.send({ mine: true })
    }),
  )
  const response = await app.inject('/')
  t.equal(seen.length, 1)
  const [error] = seen
  t.type(error, Error)
  t.match(error, { statusCode: 429, code: 'FST_FLOODGATE_DENIED', message })
  t.match(error.decision, { allowed: false, violated: ['default'], retryAfter: 60_000 })
  t.equal(error.stack, undefined)
  t.match(response, { statusCode: 429, headers: limits, body: '{"mine":true}' }, 'another body keeps 429')
})

const HANDLERS: [string, (reply: FastifyReply, error: FastifyError) => unknown, object][] = [
  ['another status', (reply) => reply.code(503).send('busy'), { statusCode: 503, body: 'busy' }],
  [
    'a redirect',
    (reply) => reply.redirect('/slow', 303),
    { statusCode: 303, headers: { location: '/slow' } },
  ],
  [
    'another type',
    (reply) => reply.type('text/html').send('<p>'),
    { statusCode: 429, headers: { 'content-type': 'text/html' } },
  ],
  ['no body', (reply) => reply.send(), { statusCode: 429, body: '' }],
  [
    'the error itself',
    (reply, error) => reply.send(error),
    { statusCode: 429, headers: { 'content-type': /json/ } },
  ],
  [
    'a wait of its own',
    (reply) => reply.header('retry-after', '7').send('x'),
    { headers: { 'retry-after': '7' } },
  ],
  [
    'no limits',
    (reply) => reply.removeHeader('x-ratelimit-limit').send('x'),
    { headers: { 'x-ratelimit-limit': undefined } },
  ],
]
for (const [what, handle, expected] of HANDLERS) {
  test(`an error handler can answer a denial with ${what}`, async (t) => {
    const app = await spent(t, (app) =>
      app.setErrorHandler<FastifyError>((error, _request, reply) => {
        handle(reply, error)
      }),
    )
    t.match(await app.inject('/'), expected)
  })
}

test('an async error handler that returns a body keeps 429', async (t) => {
  const app = await spent(t, (app) => app.setErrorHandler(async () => ({ mine: true })))
  t.match(await app.inject('/'), { statusCode: 429, headers: limits, body: '{"mine":true}' })
})

test('an error handler that throws the error on ends in the 429 of Fastify', async (t) => {
  const app = await spent(t, (app) =>
    app.setErrorHandler((error) => {
      throw error
    }),
  )
  const response = await app.inject('/')
  t.match(response, { statusCode: 429, headers: limits })
  t.match(response.json(), { statusCode: 429, code: 'FST_FLOODGATE_DENIED', message })
})

test('the error handler of a child scope is for its own routes, that of the root for the others', async (t) => {
  const app = await spent(t, (app) => {
    app.setErrorHandler((_error, _request, reply) => void reply.send('root'))
    app.register(async (child) => {
      child.setErrorHandler((_error, _request, reply) => void reply.send('child'))
      child.get('/child', () => t.fail('the handler must not run'))
    })
  })
  t.match(await app.inject('/'), { statusCode: 429, body: 'root' })
  t.match(await app.inject('/child'), { statusCode: 429, body: 'child' })
})

test('a child scope can have an error handler where the root has none', async (t) => {
  const app = await spent(t, (app) => {
    app.register(async (child) => {
      child.setErrorHandler((_error, _request, reply) => void reply.send('child'))
      child.get('/child', () => t.fail('the handler must not run'))
    })
  })
  t.match((await app.inject('/')).json(), { code: 'FST_FLOODGATE_DENIED' })
  t.match(await app.inject('/child'), { statusCode: 429, body: 'child' })
})

test("a route's own errorHandler answers its denials, whatever its name", async (t) => {
  function defaultErrorHandler(_error: FastifyError, _request: unknown, reply: FastifyReply) {
    reply.send('route')
  }
  const named = await spent(t, () => {}, { errorHandler: defaultErrorHandler })
  t.match(await named.inject('/'), { statusCode: 429, body: 'route' })
  const unnamed = await spent(t, () => {}, {
    errorHandler: (_error, _request, reply) => void reply.send('route'),
  })
  t.match(await unnamed.inject('/'), { statusCode: 429, body: 'route' })
})

test('onError hooks run, of the app and of the route, and the answer is the same', async (t) => {
  const seen: unknown[] = []
  const ofApp = await spent(t, (app) =>
    app.addHook('onError', async (_request, _reply, error) => {
      seen.push(['app', error.code])
    }),
  )
  const ofRoute = await spent(t, () => {}, {
    onError: async (_request, _reply, error) => {
      seen.push(['route', error.code])
    },
  })
  for (const app of [ofApp, ofRoute]) {
    const response = await app.inject('/')
    t.match(response, { statusCode: 429, headers: limits })
    t.same(response.json(), {
      statusCode: 429,
      code: 'FST_FLOODGATE_DENIED',
      error: 'Too Many Requests',
      message,
    })
  }
  t.same(seen, [
    ['app', 'FST_FLOODGATE_DENIED'],
    ['route', 'FST_FLOODGATE_DENIED'],
  ])
})

for (const status of ['429', '4xx', 'default']) {
  test(`a response schema declared for ${status} shapes the denial as it shapes any error`, async (t) => {
    const properties = { message: { type: 'string' }, statusCode: { type: 'integer' } }
    const schema = { response: { [status]: { type: 'object', properties } } }
    const app = await spent(t, () => {}, { schema })
    const response = await app.inject('/')
    t.match(response, { statusCode: 429, headers: limits })
    t.same(response.json(), { message, statusCode: 429 })
  })
}

test('a response schema for other codes leaves the denial as it is', async (t) => {
  const schema = { response: { 200: { type: 'object', properties: { ok: { type: 'boolean' } } } } }
  const response = await (await spent(t, () => {}, { schema })).inject('/')
  t.equal(response.statusCode, 429)
  t.same(Object.keys(response.json()), ['statusCode', 'code', 'error', 'message'])
})

test('a schema for the request alone changes nothing', async (t) => {
  const schema = { querystring: { type: 'object', required: ['q'], properties: { q: { type: 'string' } } } }
  const response = await (await spent(t, () => {}, { schema })).inject('/')
  t.equal(response.statusCode, 429)
  t.equal(response.json().message, message)
})

test('a denied take in the handler is the handler’s to answer', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { rate: 2, store: memoryStore({ clock: new ManualClock() }) })
  app.get('/', async (request, reply) => {
    const decision = await request.rateLimit?.take(2)
    return reply.code(decision?.allowed ? 200 : 429).send({ allowed: decision?.allowed })
  })
  t.match(await app.inject('/'), {
    statusCode: 429,
    body: '{"allowed":false}',
    headers: { 'x-ratelimit-remaining': '1' },
  })
})
