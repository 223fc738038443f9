import Fastify, { type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const PREFLIGHT = { origin: 'https://example.com', 'access-control-request-method': 'GET' }

async function limited(t: Test, options: RateLimitOptions) {
  const clock = new ManualClock()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: memoryStore({ clock }), ...options })
  return { app, clock }
}

test('a request that is dressed up as a preflight gets nowhere where the route answers other methods, too', async (t) => {
  const { app } = await limited(t, { burst: 2 })
  let handled = 0
  app.all('/all', async () => ++handled)
  app.route({ method: ['GET', 'OPTIONS'], url: '/some', handler: async () => ++handled })
  for (const url of ['/all', '/some']) {
    const codes: number[] = []
    for (let i = 0; i < 4; i++) {
      codes.push((await app.inject({ method: 'OPTIONS', url, headers: PREFLIGHT })).statusCode)
    }
    t.same(codes, url === '/all' ? [200, 200, 429, 429] : [429, 429, 429, 429], url)
  }
  t.equal(handled, 2)
})

test('a preflight is free on a route for OPTIONS alone, in either spelling', async (t) => {
  const { app } = await limited(t, { burst: 1 })
  app.options('/one', async () => 'ok')
  app.route({ method: ['OPTIONS'], url: '/list', handler: async () => 'ok' })
  for (const url of ['/one', '/list', '/one', '/list']) {
    t.equal((await app.inject({ method: 'OPTIONS', url, headers: PREFLIGHT })).statusCode, 200)
  }
})

// Requests that wait for their bodies used to hand back, one by one, the units of others.
test('requests that are held open give back only what they still have charged', async (t) => {
  const account = (request: FastifyRequest) => (request.body as { name: string }).name
  for (const algorithm of ['sliding-window', 'token-bucket'] as const) {
    const limiters = {
      account: { algorithm: 'sliding-window', rate: 0, key: account, hook: 'preHandler' },
    } as const
    const { app, clock } = await limited(t, { algorithm, rate: 4, per: 'minute', limiters })
    const held: (() => void)[] = []
    app.post(
      '/',
      {
        preValidation: async () => new Promise<void>((release) => held.push(release)),
        config: { rateLimit: ['default', 'account'] },
      },
      async () => 'ok',
    )
    const replies = []
    for (let window = 0; window < 3; window++) {
      for (let i = 0; i < 4; i++)
        replies.push(app.inject({ method: 'POST', url: '/', payload: { name: 'ann' } }))
      while (held.length < replies.length) await new Promise(setImmediate)
      clock.advance(60_000)
    }
    const limiter = app.rateLimit.get('default')
    for (let i = 0; i < 4; i++) t.ok((await limiter.take('127.0.0.1')).allowed)
    for (const release of held) release()
    for (const reply of await Promise.all(replies)) t.equal(reply.statusCode, 429)
    t.equal((await limiter.peek('127.0.0.1')).remaining, 0, algorithm)
  }
})

test('the environment changes the default limiter, and loosens no other', async (t) => {
  process.env.BYPASS_RATE_LIMIT_PER_MIN = '600'
  process.env.BYPASS_BURST = '50'
  t.teardown(() => {
    delete process.env.BYPASS_RATE_LIMIT_PER_MIN
    delete process.env.BYPASS_BURST
  })
  const { app } = await limited(t, {
    per: 'day',
    env: 'BYPASS_',
    limiters: {
      login: { rate: 5, per: '15 minutes' },
      exports: { algorithm: 'sliding-window', rate: 5 },
      same: { cost: 2 },
    },
  })
  const [login, exports, same] = ['login', 'exports', 'same'].map(
    (name) => app.rateLimit.get(name).policies[0],
  )
  t.match(app.rateLimit.get('default').policies[0], { rate: 600, per: 60_000, limit: 50 })
  t.match(login, { rate: 5, limit: 5 })
  t.match(exports, { rate: 5, per: 86_400_000 }, 'a day, as the code says')
  t.match(
    same,
    { rate: 600, per: 60_000, limit: 50 },
    'what says nothing of its rate follows the default limiter',
  )
})

test("exempt: ['*'] also exempts URLs of no route", async (t) => {
  const { app } = await limited(t, { exempt: ['*'], burst: 1 })
  for (let i = 0; i < 3; i++) {
    const reply = await app.inject('/nope')
    t.equal(reply.statusCode, 404)
    t.notOk('x-ratelimit-limit' in reply.headers)
  }
})

test('a charge that a handler is denied leaves the headers of an allowed request as they were', async (t) => {
  const { app } = await limited(t, { burst: 3, headers: ['x-ratelimit', 'draft-11'] })
  app.get('/', async (request) => request.rateLimit?.take(3))
  const reply = await app.inject('/')
  t.match(reply.json(), { allowed: false, retryAfter: 600, violated: ['default'] })
  t.match(reply.headers, { 'x-ratelimit-remaining': '2', ratelimit: '"default";r=2;t=1' })
})

test('a response schema without a 429 makes no denial expensive', async (t) => {
  const lines: { level: number }[] = []
  const app = Fastify({
    logger: { level: 'info', stream: { write: (line: string) => lines.push(JSON.parse(line)) } },
  })
  t.teardown(() => app.close())
  await app.register(rateLimit, { burst: 1, store: memoryStore({ clock: new ManualClock() }) })
  app.get('/', { schema: { response: { 200: { type: 'string' } } } }, async () => 'ok')
  await app.inject('/')
  const before = lines.length
  t.equal((await app.inject('/')).statusCode, 429)
  t.notOk(lines.slice(before).some((line) => 'err' in line))
})

test('a refund gives back all that a request was charged, at whatever time', async (t) => {
  for (const algorithm of ['sliding-window', 'token-bucket'] as const) {
    const { app, clock } = await limited(t, { algorithm, rate: 10, per: 'hour' })
    app.get('/', async (request) => {
      clock.advance(1)
      request.rateLimit?.take(2)
      clock.advance(1)
      request.rateLimit?.take(0)
      request.rateLimit?.take(1)
      if (request.headers.part) request.rateLimit?.refund(2)
      else request.rateLimit?.refund()
      return request.rateLimit?.decision.remaining
    })
    t.equal((await app.inject('/')).body, '10', algorithm)
    t.equal((await app.inject({ url: '/', headers: { part: '1' } })).body, '8', algorithm)
  }
})

test('no function chooses the guard, which has counted the request already', async (t) => {
  const { app } = await limited(t, { guard: { rate: 10 } })
  app.get('/', { config: { rateLimit: () => 'guard' } }, async () => 'ok')
  const reply = await app.inject('/')
  t.equal(reply.statusCode, 200)
  t.equal((await app.rateLimit.get('guard').peek('127.0.0.1')).remaining, 9)
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 9)
})

test('a store may hand out policies of its own making', async (t) => {
  const store = memoryStore({ clock: new ManualClock() })
  const open: typeof store.open = (policy, space) => {
    const bucket = store.open(policy, space)
    return { ...bucket, policy: { ...bucket.policy } }
  }
  const copies = { ...store, open } as typeof store
  for (const verb of ['take', 'peek', 'refund', 'renew', 'reset', 'block', 'stats', 'sweep'] as const) {
    copies[verb] = store[verb].bind(store) as never
  }
  const { app } = await limited(t, { store: copies, headers: ['draft-11'] })
  app.get('/', async () => 'ok')
  t.equal((await app.inject('/')).headers['ratelimit-policy'], '"default";q=10;w=6')
})
