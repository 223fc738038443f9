import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import type { RateLimitOptions, RouteRateLimit } from '../../../../lib/index.js'
import { ask, CLIENT, left, limited, ok, only, tracer } from '../../support/app.js'
import { codes, emitted } from '../../support/warnings.js'
import { byHand, setUser, sub } from './ways.js'

const as = (name: string) => ({ url: '/', headers: { 'x-token': `token of ${name}` } })

const tenant = () => 'acme'

async function app(t: Test, options: RateLimitOptions = {}): Promise<FastifyInstance> {
  const app = await limited({
    keys: { sub, tenant, later: async (request: FastifyRequest) => sub(request) },
    limiters: {
      byIp: { ...only(9), key: 'ip' },
      byTenant: { ...only(9), key: 'tenant' },
      byUser: { ...only(1), key: 'sub' },
      byUserLater: { ...only(1), key: 'later' },
      validated: { ...only(9), key: 'tenant', hook: 'preValidation' },
      handled: { ...only(9), key: 'tenant', hook: 'preHandler' },
    },
    warnings: { FST_FLOODGATE_W005: false },
    ...options,
  })
  t.teardown(() => app.close())
  app.decorateRequest('user', null as never)
  return app
}

const LISTS: { rateLimit: string[]; keys: Record<string, string> }[] = [
  { rateLimit: ['byIp', 'byUser'], keys: { byIp: CLIENT } },
  { rateLimit: ['byUser', 'byTenant'], keys: { byTenant: 'acme' } },
  { rateLimit: ['byIp', 'byTenant', 'byUserLater'], keys: { byIp: CLIENT, byTenant: 'acme' } },
  { rateLimit: ['byIp', 'validated', 'byUser'], keys: { byIp: CLIENT, validated: 'acme' } },
  { rateLimit: ['byUser', 'handled'], keys: { handled: 'acme' } },
  {
    rateLimit: ['byIp', 'validated', 'handled', 'byUserLater'],
    keys: { validated: 'acme', handled: 'acme' },
  },
]

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
  for (const { rateLimit, keys } of LISTS) {
    test(`${rateLimit.join(', ')}: where ${hook} authenticates, a denial of the user charges nobody else`, async (t) => {
      const warnings = emitted(t)
      const api = await app(t)
      const check =
        hook === 'preParsing'
          ? (request: FastifyRequest, reply: never, _payload: unknown, done: () => void) =>
              byHand(request, reply, done)
          : byHand
      api.get(
        '/',
        { [hook]: check, config: { rateLimit: rateLimit as RouteRateLimit } },
        async (request) => request.rateLimit?.decisions.length,
      )
      t.equal((await api.inject(as('ann'))).body, String(rateLimit.length))
      for (let i = 0; i < 3; i++) t.equal((await api.inject(as('ann'))).statusCode, 429)
      for (const [name, key] of Object.entries(keys)) t.equal(left(api, name, key), 8, name)
      t.equal((await api.inject(as('bob'))).statusCode, 200)
      for (const [name, key] of Object.entries(keys)) t.equal(left(api, name, key), 7, name)
      t.same(codes(warnings), [])
    })
  }
}

test('the guard counts what a limiter denies that had to wait for its key', async (t) => {
  const api = await app(t, { guard: only(9) })
  api.get('/', { preHandler: byHand, config: { rateLimit: 'byUser' } }, ok)
  await ask(api, as('ann'), as('ann'), as('ann'))
  t.equal(left(api, 'guard'), 6)
})

test('who is refused by the authentication is counted by IP on arrival, and nowhere else', async (t) => {
  const warnings = emitted(t)
  const api = await app(t)
  api.get('/', { preHandler: byHand, config: { rateLimit: ['byIp', 'byTenant', 'byUser'] } }, ok)
  t.same(await ask(api, 'GET /', 'GET /'), ['401 8', '401 7'])
  t.equal(left(api, 'byTenant', 'acme'), 9, 'it waits for the limiter by user')
  t.equal(left(api, 'byUser'), 1)
  t.same(codes(warnings), [])
})

test('what a hook answers itself is not counted by IP for want of a key', async (t) => {
  const warnings = emitted(t)
  const api = await app(t)
  const fromCache = async (_request: FastifyRequest, reply: { send(body: string): unknown }) =>
    reply.send('old')
  api.get('/', { preHandler: fromCache, config: { rateLimit: 'byUser' } }, ok)
  t.same(await ask(api, 'GET /', 'GET /'), ['200 -', '200 -'])
  t.same(codes(warnings), [])
})

test('a strategy is asked after the hooks of each kind that the route has, until it has a key', async (t) => {
  const trace: string[] = []
  const { hook, parsing } = tracer(trace)
  const api = await app(t)
  const key = (request: FastifyRequest) => {
    trace.push('key')
    return sub(request)
  }
  const hooks = { onRequest: hook('onRequest'), preParsing: parsing('preParsing') }
  const last = [hook('preHandler'), byHand]
  api.get('/', { ...hooks, preHandler: last, config: { rateLimit: { ...only(1), key } } }, ok)
  t.same(await ask(api, as('ann')), ['200 0'])
  t.same(trace, ['onRequest', 'key', 'preParsing', 'key', 'preHandler', 'key'])
})

test('a strategy that has a key after the onRequest hooks is not asked again', async (t) => {
  const trace: string[] = []
  const { hook } = tracer(trace)
  const api = await app(t)
  const key = (request: FastifyRequest) => {
    trace.push('key')
    return sub(request)
  }
  const later = { preValidation: hook('preValidation'), preHandler: hook('preHandler') }
  api.get('/', { onRequest: byHand, ...later, config: { rateLimit: { ...only(1), key } } }, ok)
  t.same(await ask(api, as('ann')), ['200 0'])
  t.same(trace, ['key', 'preValidation', 'preHandler'])
})

const EAGER: Record<string, (request: FastifyRequest) => unknown> = {
  'returns the empty string': (request) => sub(request) ?? '',
  'returns null': (request) => sub(request) ?? null,
  'returns undefined': sub,
  'promises nothing': async (request) => sub(request),
  throws: (request) => (request.user as { sub: string }).sub,
  rejects: async (request) => (request.user as { sub: string }).sub,
}

for (const [what, key] of Object.entries(EAGER)) {
  test(`a strategy that ${what} before the user is known is not warned of once he is`, async (t) => {
    const warnings = emitted(t)
    const api = await app(t)
    api.get('/', { preHandler: byHand, config: { rateLimit: { ...only(1), key: key as typeof sub } } }, ok)
    t.same(await ask(api, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
    t.same(codes(warnings), [])
  })

  test(`a strategy that ${what} to the end counts by IP, and is warned of`, async (t) => {
    const warnings = emitted(t)
    const api = await app(t)
    const nobody = async (request: FastifyRequest) => setUser(request, undefined)
    api.get('/', { preHandler: nobody, config: { rateLimit: { ...only(1), key: key as typeof sub } } }, ok)
    t.same(await ask(api, as('ann'), as('bob')), ['200 0', '429 0'])
    t.same(codes(warnings), [what === 'throws' || what === 'rejects' ? 'W003' : 'W002'])
  })
}

test('an explicit hook is the earliest moment: a key that comes later is waited for, too', async (t) => {
  const warnings = emitted(t)
  const api = await app(t, { ...only(1), key: sub, hook: 'preValidation', guard: only(99) })
  api.get('/', { preHandler: byHand }, ok)
  t.same(await ask(api, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
  t.same(codes(warnings), [])
})

test('404s are limited by user, where a hook of their handler or of the app authenticates', async (t) => {
  const warnings = emitted(t)
  for (const prepare of [
    (api: FastifyInstance) =>
      void api.setNotFoundHandler({ preHandler: byHand }, async (_request, reply) =>
        reply.code(404).send('none'),
      ),
    (api: FastifyInstance) => void api.addHook('preHandler', byHand),
  ]) {
    const api = await app(t, { notFound: { ...only(1), key: sub } })
    prepare(api)
    t.same(await ask(api, as('ann'), as('ann'), as('bob')), ['404 0', '429 0', '404 0'])
  }
  t.same(codes(warnings), [])
})

test('a GET and its HEAD share the bucket of a user whom preHandler knows', async (t) => {
  const api = await app(t)
  api.get('/', { preHandler: byHand, config: { rateLimit: { ...only(2), key: sub } } }, ok)
  const head = { ...as('ann'), method: 'HEAD' } as const
  t.same(await ask(api, as('ann'), head, as('ann'), head), ['200 1', '200 0', '429 0', '429 0'])
})

test('a route function that yields nothing before the user is known is asked again', async (t) => {
  const warnings = emitted(t)
  const api = await app(t)
  const rateLimit = (request: FastifyRequest) => (sub(request) === undefined ? undefined : 'byUser')
  api.get('/', { preHandler: byHand, config: { rateLimit: rateLimit as RouteRateLimit } }, ok)
  t.same(await ask(api, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
  t.same(codes(warnings), [])
})

test('a route function that throws before the user is known is asked again', async (t) => {
  const warnings = emitted(t)
  const api = await app(t)
  const rateLimit = (request: FastifyRequest) => ((request.user as { sub: string }).sub ? 'byUser' : false)
  api.get('/', { preHandler: byHand, config: { rateLimit } }, ok)
  t.same(await ask(api, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
  t.same(codes(warnings), [])
})
