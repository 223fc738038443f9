import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { test } from 'tap'
import rateLimit, { type KeyStrategy, type RateLimitOptions } from '../../../lib/index.js'
import { ask, left, limited, ok, only } from '../support/app.js'
import { codes, emitted } from '../support/warnings.js'

const known = (request: FastifyRequest) => request as unknown as { user?: string }

const key: KeyStrategy = (request) => known(request).user
const BY_USER: RateLimitOptions = { ...only(1), key, warnings: { FST_FLOODGATE_W012: false } }

/** Authentication: a request names its user. */
async function authenticate(request: FastifyRequest): Promise<void> {
  const user = request.headers['x-user']
  if (user !== undefined) known(request).user = String(user)
}

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
const as = (user: string) => ({ url: '/', headers: { 'x-user': user } })

/** The hooks that Fastify runs for requests to `GET /`, by their names. */
async function hooksOf(app: FastifyInstance, scope = app): Promise<Record<string, number>> {
  let context: Record<string, unknown[] | null> = {}
  scope.addHook('onSend', async (request) => {
    const key = Object.getOwnPropertySymbols(request).find(
      ({ description }) => description === 'fastify.context',
    )
    context = (request as unknown as Record<symbol, typeof context>)[key as symbol]
  })
  scope.get('/', ok)
  await app.inject('/')
  return Object.fromEntries(HOOKS.map((name) => [name, context[name]?.length ?? 0]))
}

for (const hook of HOOKS) {
  for (const how of ['of the route', 'inherited', 'inherited, and added after the route'] as const) {
    test(`users that a ${hook} hook authenticates (${how}) are limited apart`, async (t) => {
      const list = emitted(t)
      const app = await limited(BY_USER)
      if (how === 'inherited') app.addHook(hook as 'onRequest', authenticate)
      app.get('/', how === 'of the route' ? { [hook]: authenticate } : {}, ok)
      if (how === 'inherited, and added after the route') app.addHook(hook as 'onRequest', authenticate)
      t.same(await ask(app, as('ann'), as('bob'), as('ann'), as('bob')), ['200 0', '200 0', '429 0', '429 0'])
      t.same(codes(list), [])
      t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'], 'without a user the IP is counted')
      t.same(codes(list), ['W002'])
    })
  }
}

test('a route without later hooks gains none', async (t) => {
  const app = await limited(BY_USER)
  t.same(await hooksOf(app), { onRequest: 1, preParsing: 1, preValidation: 0, preHandler: 0 })
})

test('a limiter by IP adds no hook to routes that have later hooks', async (t) => {
  const app = await limited()
  app.addHook('preHandler', authenticate)
  t.same(await hooksOf(app), { onRequest: 1, preParsing: 1, preValidation: 0, preHandler: 1 })
})

test('hooks of the plugin are no reason to ask again: of another registration, or placed by hand', async (t) => {
  const app = await limited(BY_USER)
  let scope = app
  await app.register(async (child) => {
    scope = child
    await child.register(rateLimit, BY_USER)
    child.addHook('preHandler', child.rateLimit.hook({ ...only(9), key: 'ip' }))
  })
  t.same(await hooksOf(app, scope), { onRequest: 2, preParsing: 2, preValidation: 0, preHandler: 1 })
})

test('an async strategy, and one that throws without a user, are asked again as well', async (t) => {
  const list = emitted(t)
  for (const key of [
    async (request: FastifyRequest) => known(request).user,
    (request: FastifyRequest) => (known(request).user as string).toLowerCase(),
  ]) {
    const app = await limited({ ...BY_USER, key })
    app.get('/', { preHandler: authenticate }, ok)
    t.same(await ask(app, as('ann'), as('bob'), as('ann')), ['200 0', '200 0', '429 0'])
  }
  t.same(codes(list), [])
})

test('limiters that decide together wait for each other, and charge all or none', async (t) => {
  const app = await limited({
    ...only(9),
    limiters: {
      user: { ...only(2), key },
      route: { ...only(9), key: () => 'route' },
      ip: { ...only(9), key: 'ip' },
    },
  })
  const config = { rateLimit: ['ip', 'route', 'user'] as const }
  app.get('/', { config, preHandler: authenticate }, ok)
  t.same(await ask(app, as('ann'), as('ann'), as('ann'), as('ann')), ['200 1', '200 0', '429 0', '429 0'])
  t.equal(left(app, 'route', 'route'), 7)
  t.equal(left(app, 'ip'), 7, 'a denial after arrival gives the charge of arrival back')
})

test('two limiters whose points are equal after a wait both run', async (t) => {
  const late: KeyStrategy = (request) => known(request).user
  const app = await limited({
    ...only(9),
    limiters: { user: { ...only(3), key }, late: { ...only(1), key: late, hook: 'preHandler' } },
  })
  const config = { rateLimit: ['user', 'late'] as const }
  app.get('/', { config, preHandler: authenticate }, ok)
  t.same(await ask(app, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
  t.equal(left(app, 'user', 'ann'), 2)
})

test('the body is unread where a preParsing hook authenticates', async (t) => {
  const app = await limited(BY_USER)
  let parsed = 0
  app.addContentTypeParser('text/plain', (_request, payload, done) => {
    parsed++
    payload.resume()
    done(null, '')
  })
  app.post('/', { preParsing: authenticate }, ok)
  const post = () =>
    app.inject({
      method: 'POST',
      url: '/',
      payload: 'x',
      headers: { 'content-type': 'text/plain', 'x-user': 'ann' },
    })
  t.equal((await post()).statusCode, 200)
  t.equal((await post()).statusCode, 429)
  t.equal(parsed, 1)
})

test('a request that authentication answers is not charged', async (t) => {
  const app = await limited({ ...only(5), key })
  const deny = async (_request: FastifyRequest, reply: FastifyReply) => reply.code(401).send('who is it')
  app.get('/', { preHandler: [authenticate, deny] }, ok)
  t.same(await ask(app, as('ann')), ['401 -'])
  t.equal(left(app, 'default', 'ann'), 5)
})

test('a route function that reads the user is asked again after later hooks', async (t) => {
  const list = emitted(t)
  const calls: string[] = []
  const app = await limited({ ...only(9), limiters: { free: { ...only(1), key }, pro: { ...only(2), key } } })
  const plan = (request: FastifyRequest) => {
    calls.push(known(request).user ?? '-')
    return known(request).user?.startsWith('pro') ? 'pro' : 'free'
  }
  const strict = (request: FastifyRequest) =>
    (known(request).user as string).startsWith('pro') ? 'pro' : 'free'
  const undecided = async (request: FastifyRequest) =>
    known(request).user === undefined ? undefined : plan(request)
  app.get('/', { config: { rateLimit: strict }, preHandler: authenticate }, ok)
  app.get('/undecided', { config: { rateLimit: undecided }, preHandler: authenticate }, ok)
  t.same(await ask(app, as('ann'), as('ann'), as('pro'), as('pro'), as('pro')), [
    '200 0',
    '429 0',
    '200 1',
    '200 0',
    '429 0',
  ])
  t.same(await ask(app, { ...as('bob'), url: '/undecided' }), ['200 0'])
  t.same(calls, ['bob'])
  t.same(codes(list), [])
})

test('a route function that throws at last is charged to the default limiter', async (t) => {
  const list = emitted(t)
  const app = await limited(only(9))
  const choose = (request: FastifyRequest) => (known(request).user as string).slice(0, 3)
  app.get('/', { config: { rateLimit: choose }, preHandler: authenticate }, ok)
  app.get(
    '/async',
    { config: { rateLimit: async (request) => choose(request) }, preHandler: authenticate },
    ok,
  )
  t.same(await ask(app, 'GET /', 'GET /async'), ['200 8', '200 7'])
  t.same(codes(list), ['W017', 'W017'])
})

test('a cost that rejects in the first of two limiters at one point ends the request', async (t) => {
  const cost = async () => Promise.reject(new Error('no cost'))
  const app = await limited({
    ...only(9),
    limiters: { user: { ...only(3), key }, late: { ...only(1), key, cost, hook: 'preHandler' } },
  })
  app.get('/', { config: { rateLimit: ['user', 'late'] }, preHandler: authenticate }, ok)
  t.same(await ask(app, as('ann')), ['500 -'])
  t.equal(left(app, 'user', 'ann'), 3)
})

test('limiters that decide together may have costs that are promises', async (t) => {
  const app = await limited({ ...only(9), cost: async () => 2, limiters: { other: { ...only(9), cost: 3 } } })
  app.get('/', { config: { rateLimit: ['default', 'other'] } }, ok)
  t.same(await ask(app, 'GET /'), ['200 6'])
  t.equal(left(app), 7)
})

test('a client that is allowed by its address meets no limiter that is keyed by user', async (t) => {
  const app = await limited({ ...only(1), key: () => 'ann', allow: ['127.0.0.0/8'] })
  app.get('/', ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 -', '200 -'])
})
