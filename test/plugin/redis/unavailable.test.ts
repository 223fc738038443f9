import type { FastifyError } from 'fastify'
import { type Test, test } from 'tap'
import { until } from '../../fixtures/redis/until.js'
import { ask, limited } from './support.js'

interface LogLine {
  level: number
  msg: string
}

const WARN = 40
const BODY = {
  statusCode: 503,
  code: 'FST_FLOODGATE_STORE',
  error: 'Service Unavailable',
  message: /^the rate limit store did not answer: /,
}

/**
 * An app that answers 503 while its store does not answer, which it does until `line.blackhole()`, and what
 * it logs meanwhile.
 */
async function denying(t: Test) {
  const lines: LogLine[] = []
  const logger = { level: 'info', stream: { write: (text: string) => lines.push(JSON.parse(text)) } }
  const policy = { rate: 1_000_000, per: 'hour', burst: 100_000 } as const
  const setting = await limited(t, policy, { onStoreFailure: 'deny', timeout: 50 }, { logger })
  const { app, line } = setting
  app.get('/', async () => 'ok')
  const fail = async () => {
    await until('the store to answer', async () => (await ask(app, '/')).startsWith('200'))
    lines.length = 0
    line.blackhole()
  }
  const mend = async () => {
    line.open()
    await until('the store to answer', async () => (await ask(app, '/')).startsWith('200'))
  }
  return { ...setting, lines, fail, mend }
}

test("where the error handler is Fastify's own, a flood of failures is logged once, and answered with the body that it would send", async (t) => {
  const { app, lines, fail, mend } = await denying(t)
  // An error handler or hook of the application gets the error.
  app.get('/heard', { onError: async () => {} }, async () => 'ok')
  await fail()
  for (let i = 0; i < 40; i++) {
    const { statusCode, headers, json } = await app.inject('/')
    t.equal(statusCode, 503)
    t.match(json(), BODY)
    t.match(headers, { 'retry-after': '1', 'cache-control': 'no-store' })
    t.equal(headers['content-type'], 'application/json; charset=utf-8')
  }
  const told = lines.filter(({ level }) => level >= WARN)
  t.match(told, [{ level: 50, msg: 'rate limit store does not answer' }])
  t.equal(told.length, 1)
  const [plain, heard] = [await app.inject('/'), await app.inject('/heard')]
  // Once a second a request tries the store, and has another reason.
  const rest = ({ body }: { body: string }) => body.replace(/(did not answer: )[^"]*/, '$1')
  t.equal(rest(plain), rest(heard))
  for (const name of ['retry-after', 'content-type']) t.equal(plain.headers[name], heard.headers[name], name)
  await mend()
  t.same(
    lines.filter(({ msg }) => msg === 'rate limit store answers again').map(({ level }) => level),
    [30],
  )
})

test("an app's error handler, and a route's, is told of every failure, and answers it", async (t) => {
  const { app, fail } = await denying(t)
  const heard: string[] = []
  const handler =
    (name: string) =>
    (
      error: FastifyError,
      _request: unknown,
      reply: { code(code: number): { send(body: unknown): void } },
    ) => {
      heard.push(`${name} ${error.code} ${error.statusCode}`)
      reply.code(503).send({ by: name })
    }
  app.register(async (scope) => {
    scope.setErrorHandler(handler('app'))
    scope.get('/app', async () => 'ok')
    scope.get('/route', { errorHandler: handler('route') }, async () => 'ok')
  })
  await fail()
  for (const name of ['app', 'route', 'app']) {
    const reply = await app.inject(`/${name}`)
    t.equal(reply.statusCode, 503)
    t.same(reply.json(), { by: name })
  }
  t.same(heard, [
    'app FST_FLOODGATE_STORE 503',
    'route FST_FLOODGATE_STORE 503',
    'app FST_FLOODGATE_STORE 503',
  ])
})

test('hooks that listen to errors hear of every failure', async (t) => {
  const { app, fail } = await denying(t)
  const heard: string[] = []
  const onError = async (_request: unknown, _reply: unknown, error: FastifyError) => {
    heard.push(error.code)
  }
  app.get('/heard', { onError }, async () => 'ok')
  await fail()
  for (let i = 0; i < 7; i++) t.match((await app.inject('/heard')).json(), BODY)
  t.same(heard, Array(7).fill('FST_FLOODGATE_STORE'))
})

for (const status of ['503', '5xx', 'default']) {
  test(`a response schema for ${status} shapes the answer, as it would that of any error`, async (t) => {
    const { app, fail } = await denying(t)
    const schema = { type: 'object', properties: { code: { type: 'string' } } }
    app.get('/shaped', { schema: { response: { [status]: schema } } }, async () => ({ code: 'fine' }))
    await fail()
    const reply = await app.inject('/shaped')
    t.equal(reply.statusCode, 503)
    t.same(reply.json(), { code: 'FST_FLOODGATE_STORE' })
  })
}

test('what an earlier hook said of the body does not garble the answer', async (t) => {
  const { app, fail } = await denying(t)
  app.get(
    '/typed',
    {
      config: { rateLimit: { key: 'user' } },
      onRequest: async (_request, reply) => {
        reply
          .header('content-length', '2')
          .type('text/csv')
          .serializer(() => 'a;b')
      },
    },
    async () => 'ok',
  )
  await fail()
  const reply = await app.inject({ url: '/typed', headers: { 'x-user': 'ann' } })
  t.equal(reply.statusCode, 503)
  t.match(reply.json(), BODY)
  t.equal(reply.headers['content-length'], String(Buffer.byteLength(reply.body)))
})
