import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance, type FastifySchema } from 'fastify'
import { test } from 'tap'
import rateLimit from '../../lib/index.js'
import { documentedApp, frozenStore, OPENAPI, ok, operationsOf, policiesOf } from './support.js'

const store = frozenStore
const TEXT = { type: 'string' }
const FAILURE = { type: 'object', description: 'A failure', properties: { message: { type: 'string' } } }

/** The policies that each operation documents. */
async function told(app: FastifyInstance) {
  const operations = Object.entries(await operationsOf(app))
  return Object.fromEntries(operations.map(([name, operation]) => [name, policiesOf(operation)]))
}

test('each limited route documents its policies, and an exempt route documents none', async (t) => {
  const app = await documentedApp({
    limiters: { login: [{ rate: 5 }, { rate: 9, per: 'hour' }] },
    exempt: ['/docs/*'],
  })
  app.get('/default', ok)
  app.get('/exempt', { config: { rateLimit: false } }, ok)
  app.get('/docs/x', ok)
  app.get('/named', { config: { rateLimit: 'login' } }, ok)
  app.get('/own', { config: { rateLimit: { rate: 3, hook: 'preHandler' } } }, ok)
  app.get('/list', { config: { rateLimit: ['default', { rate: 3, key: 'global' }] } }, ok)
  app.get('/chosen', { config: { rateLimit: () => 'login' } }, ok)
  app.get('/later', { config: { rateLimit: 'later' } }, ok)
  app.rateLimit.define('later', { rate: 1 })
  t.strictSame(await told(app), {
    'get /default': ['default'],
    'get /exempt': undefined,
    'get /docs/x': undefined,
    'get /named': ['login-5-per-minute', 'login-9-per-hour'],
    'get /own': ['GET /own'],
    'get /list': ['default', 'GET /list'],
    'get /chosen': [],
    'get /later': ['later'],
  })
  t.equal((await operationsOf(app))['get /chosen']['x-rate-limit']?.chosen, 'per request')
})

test('the guard comes first on every route that it limits', async (t) => {
  const app = await documentedApp({ guard: { rate: 9 } })
  app.get('/', ok)
  app.get('/exempt', { config: { rateLimit: false } }, ok)
  app.get('/chosen', { config: { rateLimit: () => false } }, ok)
  t.strictSame(await told(app), {
    'get /': ['guard', 'default'],
    'get /exempt': undefined,
    'get /chosen': ['guard'],
  })
})

test('the innermost of nested registrations documents its limits, with the guards of all', async (t) => {
  for (const guard of [{ rate: 9 }, undefined]) {
    const app = await documentedApp({ guard, body: 'problem' })
    await app.register(async (inner) => {
      await inner.register(rateLimit, { headers: ['draft-11'], exempt: ['/by-list'], store: store() })
      inner.get('/inner', { config: { rateLimit: { rate: 3, name: 'mine' } } }, ok)
      inner.get('/by-list', ok)
      inner.get('/exempt', { config: { rateLimit: false } }, ok)
    })
    await app.register(async (scope) => scope.get('/scope', ok))
    const outer = guard === undefined ? [] : ['guard']
    t.strictSame(await told(app), {
      'get /inner': [...outer, 'mine'],
      'get /by-list': guard && ['guard'],
      'get /exempt': undefined,
      'get /scope': [...outer, 'default'],
    })
    const { responses } = (await operationsOf(app))['get /inner']
    t.ok('RateLimit' in (responses[429].headers ?? {}))
    t.notOk('X-RateLimit-Limit' in (responses[429].headers ?? {}))
    t.strictSame(Object.keys(responses[429].content ?? {}), ['application/json'])
  }
})

test('Swagger may come before or after, in a scope of its own, or in that of the routes', async (t) => {
  const limits = (scope: FastifyInstance) => scope.register(rateLimit, { store: store() })
  const documents = (scope: FastifyInstance) => scope.register(swagger, OPENAPI)
  for (const [outer, inner] of [
    [[], [documents, limits]],
    [[], [limits, documents]],
    [[documents], [limits]],
    [[limits], [documents]],
    [[limits, documents], []],
  ]) {
    const app = Fastify()
    for (const load of outer) await load(app)
    let document = () => ({})
    await app.register(async (scope) => {
      for (const load of inner) await load(scope)
      scope.get('/', ok)
      document = () => scope.swagger()
    })
    await app.ready()
    t.match(document(), { paths: { '/': { get: { responses: { 200: {}, 429: { headers: {} } } } } } })
  }
})

test('the description of a 429 states each limit in words, whatever the body is', async (t) => {
  const app = await documentedApp({
    guard: { rate: 3000, burst: 500 },
    key: 'apiKey',
    keys: { apiKey: () => 'a' },
    limiters: {
      login: [{ algorithm: 'sliding-window', rate: 5, per: '15 minutes', key: 'ip' }, { rate: 9 }],
    },
  })
  app.addSchema({ $id: 'failure', ...FAILURE })
  app.get('/', ok)
  app.post('/login', { config: { rateLimit: 'login' } }, ok)
  app.get('/own', { config: { rateLimit: { rate: 30, key: () => 'a', cost: 2 } } }, ok)
  app.get('/varies', { config: { rateLimit: { rate: 30, cost: () => 2 } } }, ok)
  app.get('/chosen', { config: { rateLimit: () => 'login' } }, ok)
  app.get('/handled', { errorHandler: (error, _request, reply) => reply.send(error) }, ok)
  app.get('/general', { schema: { response: { '4xx': FAILURE } } }, ok)
  app.get('/shared', { schema: { response: { '4xx': { $ref: 'failure#' } } } }, ok)
  const operations = await operationsOf(app)
  const guard = 'Over all operations, at most 3,000 requests a minute, 500 at once, for each client address.'
  const byKey = 'At most 100 requests a minute, 10 at once, for each API key.'
  const expected: Record<string, string> = {
    'get /': byKey,
    'post /login':
      'At most 5 requests in any 15 minutes, for each client address. At most 9 requests a minute on average, 9 at once, for each client address.',
    'get /own': 'At most 30 units a minute, 10 at once, for each client; a request costs 2.',
    'get /varies':
      'At most 30 units a minute, 10 at once, for each API key; what a request costs depends on it.',
    'get /chosen': 'Limits depend on the request.',
    'get /handled': byKey,
    'get /general': byKey,
    'get /shared': byKey,
  }
  const described = Object.entries(operations).map(([name, { responses }]) => [
    name,
    responses[429].description,
  ])
  t.strictSame(
    Object.fromEntries(described),
    Object.fromEntries(
      Object.entries(expected).map(([name, text]) => [name, `Too many requests. ${text} ${guard}`]),
    ),
  )
})

test('without Swagger, the schemas of routes stay the same objects', async (t) => {
  const schema = { response: { 200: TEXT } }
  for (const withSwagger of [false, true]) {
    const app = Fastify()
    const seen: { schema?: FastifySchema }[] = []
    app.addHook('onRoute', (options) => void seen.push(options))
    if (withSwagger) await app.register(swagger, OPENAPI)
    await app.register(rateLimit, { store: store() })
    app.get('/a', { schema }, ok)
    app.get('/b', ok)
    await app.ready()
    t.strictSame(
      seen.map((options) => options.schema === schema || options.schema === undefined),
      seen.map(() => !withSwagger),
    )
    t.strictSame(Object.keys(schema.response), ['200'], 'which is never changed')
  }
})

test('prefixed routes, lists of methods and HEAD are documented, and hidden routes stay hidden', async (t) => {
  const app = await documentedApp({})
  await app.register(async (scope) => scope.get('/', ok), { prefix: '/api' })
  app.route({ method: ['PUT', 'POST'], url: '/many/:id', handler: ok })
  app.get('/both', { config: { swagger: { exposeHeadRoute: true } } }, ok)
  app.get('/hidden', { schema: { hide: true } as FastifySchema }, ok)
  const operations = await operationsOf(app)
  const names = ['get /api/', 'put /many/{id}', 'post /many/{id}', 'get /both', 'head /both']
  t.strictSame(Object.keys(operations).sort(), names.sort())
  for (const name of names) t.ok('429' in operations[name].responses, name)
  t.ok(operations['put /many/{id}'].parameters, 'parameters are told of as before')
})

test("the application's transform sees the 429 and may remove it", async (t) => {
  const seen: unknown[] = []
  const app = await documentedApp(
    {},
    {
      ...OPENAPI,
      transform: ({ schema, url }) => {
        seen.push(schema.response)
        return { schema: url === '/bare' ? { ...schema, response: undefined } : schema, url: `/v1${url}` }
      },
    },
  )
  app.get('/', ok)
  app.get('/bare', ok)
  const operations = await operationsOf(app)
  t.match(seen, [{ 429: {} }, { 429: {} }])
  t.ok('429' in operations['get /v1/'].responses)
  t.strictSame(Object.keys(operations['get /v1/bare'].responses), ['200'])
})

test('where schemas are not JSON schemas, their transform gets no response of ours', async (t) => {
  class Kind {
    readonly json = TEXT
  }
  for (const foreign of [{ body: new Kind() }, { response: { 200: new Kind() } }]) {
    const app = await documentedApp(
      {},
      {
        ...OPENAPI,
        transform: ({ schema, url }) => {
          const { response = {}, body, ...rest } = schema as { response?: Record<string, Kind>; body?: Kind }
          const translated = Object.entries(response).map(([status, kind]) => [
            status,
            kind.json.type && kind.json,
          ])
          const bodyOf = body && { body: body.json }
          return { schema: { ...rest, ...bodyOf, response: Object.fromEntries(translated) }, url }
        },
      },
    )
    app.setValidatorCompiler(() => () => true)
    app.setSerializerCompiler(() => JSON.stringify)
    app.post('/kind', { schema: foreign }, ok)
    app.get('/none', ok)
    t.strictSame(await told(app), { 'post /kind': ['default'], 'get /none': ['default'] })
  }
})

test('the documented body is the one that is sent, or none where only the application knows it', async (t) => {
  const styles = [
    [{ body: 'fastify' }, 'application/json', 'code'],
    [{ body: 'problem' }, 'application/problem+json', 'violated-policies'],
    [{ body: () => 'mine' }, undefined, undefined],
  ] as const
  for (const [options, type, property] of styles) {
    const app = await documentedApp({ rate: 1, ...options })
    app.get('/', ok)
    app.get('/handled', { errorHandler: (error, _request, reply) => reply.send(error) }, ok)
    await app.register(async (scope) => {
      scope.setErrorHandler((error, _request, reply) => reply.send(error))
      scope.get('/scope', ok)
    })
    const operations = await operationsOf(app)
    for (const name of ['get /handled', 'get /scope'])
      t.equal(operations[name].responses[429].content, undefined)
    const { content } = operations['get /'].responses[429]
    t.strictSame(content && Object.keys(content), type && [type])
    await app.inject('/')
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 429)
    if (type === undefined || content === undefined) continue
    t.equal(String(reply.headers['content-type']).split(';')[0], type)
    t.strictSame(Object.keys(content[type].schema.properties as object), Object.keys(reply.json()))
    t.ok(property in reply.json())
  }
})

test('each documented header is sent, with a 429 and with a 200', async (t) => {
  for (const family of ['x-ratelimit', 'draft-11'] as const) {
    const app = await documentedApp({ rate: 1, headers: [family] })
    app.get('/', ok)
    const { responses } = (await operationsOf(app))['get /']
    for (const status of [200, 429]) {
      const reply = await app.inject('/')
      t.equal(reply.statusCode, status)
      const names = Object.keys(responses[status].headers ?? {})
      t.ok(names.length >= 2)
      for (const name of names) t.ok(name.toLowerCase() in reply.headers, name)
    }
  }
})
