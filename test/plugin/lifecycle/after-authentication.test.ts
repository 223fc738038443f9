import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import type { RoutePolicy } from '../../../lib/index.js'
import { ask, limited, ok, only, tracer, user } from '../support/app.js'

const as = (name: string, url = '/') => ({ url, headers: { 'x-user': name } })

test("a limiter keyed by the user sees the user that the route's own onRequest hook set", async (t) => {
  const users = new WeakMap<FastifyRequest, string>()
  const app = await limited({ keys: { user: (request) => users.get(request) } })
  const authenticate = async (request: FastifyRequest) => {
    await new Promise(setImmediate)
    users.set(request, user(request))
  }
  app.get(
    '/',
    { onRequest: authenticate, config: { rateLimit: { ...only(1), key: 'user' } } },
    async (request) => request.rateLimit?.key,
  )
  t.equal((await app.inject(as('ann'))).body, 'ann')
  t.same(await ask(app, as('ann'), as('bob'), as('bob')), ['429 0', '200 0', '429 0'])
})

test('a limiter keyed by the user sees the user that an instance-level hook of its scope set', async (t) => {
  const users = new WeakMap<FastifyRequest, string>()
  const app = await limited({ key: (request) => users.get(request) })
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => void users.set(request, user(request)))
    scope.get('/', async (request) => request.rateLimit?.key)
  })
  t.equal((await app.inject(as('ann'))).body, 'ann')
})

test('a request that the route refuses to authenticate is not charged to a user', async (t) => {
  const app = await limited({ keys: { user }, limiters: { u: { ...only(1), key: 'user' } } })
  app.get(
    '/',
    {
      onRequest: async (_request, reply) => reply.code(401).send(),
      config: { rateLimit: 'u' },
    },
    ok,
  )
  t.same(await ask(app, as('ann'), as('ann')), ['401 -', '401 -'])
  t.equal((await app.rateLimit.get('u').peek('ann')).remaining, 1)
})

const BEFORE_BODY: Record<string, RoutePolicy> = {
  'by IP': { key: 'ip' },
  'by user': { key: user },
  'by a promise of a user': { key: async (request) => user(request) },
}

for (const [who, policy] of Object.entries(BEFORE_BODY)) {
  test(`a limiter ${who} denies while the body is still on its way`, async (t) => {
    const trace: string[] = []
    const app = await limited()
    app.addContentTypeParser('text/x', (_request, _payload, done) => {
      trace.push('parser')
      done(null)
    })
    app.post(
      '/',
      {
        preParsing: tracer(trace).parsing('preParsing'),
        config: { rateLimit: { ...only(0), burst: 1, ...policy } },
      },
      ok,
    )
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(
      'POST / HTTP/1.1\r\nhost: x\r\nx-user: ann\r\ncontent-type: text/x\r\ncontent-length: 1000\r\n\r\n',
    )
    const [head] = await once(socket, 'data')
    t.match(String(head), /^HTTP\/1\.1 429 /)
    t.same(trace, [], 'neither the hooks of the body nor its parser ran')
    socket.destroy()
    await app.close()
  })
}

test('an instance-level preParsing hook, such as one that keeps the raw body, does not run for what a limiter by user denies', async (t) => {
  const trace: string[] = []
  const app = await limited()
  app.addHook('preParsing', tracer(trace).parsing('raw body'))
  app.post('/', { config: { rateLimit: { ...only(1), key: user } } }, ok)
  t.same(await ask(app, 'POST /', 'POST /'), ['200 0', '429 0'])
  t.same(trace, ['raw body'], 'once, for the request that was allowed')
})

const ORDER: { place: string; policy: RoutePolicy; invalid: string }[] = [
  { place: 'on arrival', policy: { key: 'ip' }, invalid: '429 0' },
  { place: 'after onRequest', policy: { key: user }, invalid: '429 0' },
  { place: 'at preValidation', policy: { hook: 'preValidation' }, invalid: '429 0' },
  { place: 'at preHandler', policy: { hook: 'preHandler' }, invalid: '400 -' },
]

for (const { place, policy, invalid } of ORDER) {
  test(`to a body that is not valid, a spent limiter ${place} answers ${invalid.slice(0, 3)}`, async (t) => {
    const app = await limited()
    const schema = { body: { type: 'object', required: ['a'] } }
    app.post('/', { schema, config: { rateLimit: { ...only(1), ...policy } } }, ok)
    const post = (payload: object) => ({ method: 'POST', url: '/', payload }) as const
    const first = place === 'at preHandler' ? '400 -' : '400 0'
    t.same(await ask(app, post({})), [first], 'an invalid body is charged where the limiter came first')
    const valid = place === 'at preHandler' ? '200 0' : '429 0'
    t.same(await ask(app, post({ a: 1 }), post({})), [valid, invalid])
  })
}

test("a route's policy inherits the hook of the default limiter along with its key", async (t) => {
  const users = new WeakMap<FastifyRequest, string>()
  const app = await limited({ key: (request) => users.get(request), hook: 'preHandler' })
  app.get(
    '/',
    {
      preHandler: async (request) => void users.set(request, 'ann'),
      config: { rateLimit: only(1) },
    },
    async (request) => request.rateLimit?.key,
  )
  t.equal((await app.inject('/')).body, 'ann', 'counted where the user is known')
})

test("a hook placed by hand runs where it stands, among the route's own", async (t) => {
  const trace: string[] = []
  const { hook, cost } = tracer(trace)
  const app = await limited(only(9))
  const limit = app.rateLimit.hook({ ...only(1), key: user, cost: cost('limiter') })
  app.get('/', { preValidation: [hook('first'), limit, hook('second')] }, ok)
  t.same(await ask(app, as('ann'), as('ann')), ['200 0', '429 0'])
  t.same(trace, ['first', 'limiter', 'second', 'first', 'limiter'])
})
