import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyRequest } from 'fastify'
import { test } from 'tap'
import rateLimit, { type DecisionEvent, type RateLimitOptions } from '../../../lib/index.js'
import type { PolicyStats } from '../../../types/index.js'
import { lateStore } from '../../fixtures/late-store.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { ask, CLIENT, limited, ok, only, user } from '../support/app.js'

const tried = (n: number) => ({ ...only(n), enforce: false }) as const

type App = Awaited<ReturnType<typeof limited>>

function counts(app: App, limiter: string, policy = limiter): PolicyStats {
  return app.rateLimit.stats().limiters[limiter].policies[policy]
}

/** What a limiter has left for a key, whether or not it is enforced. */
function left(app: App, name = 'default', key = CLIENT): number[] {
  const { buckets, store } = app.rateLimit.get(name) as never as {
    buckets: object[]
    store: { peek(charges: object[]): void }
  }
  return buckets.map((bucket) => {
    const charge = { bucket, key, cost: 0, remaining: -1 }
    store.peek([charge])
    return charge.remaining
  })
}

test('where only shadows decide, a request is as one without limits, and what they would deny counts', async (t) => {
  const denied: string[] = []
  const app = await limited({ ...tried(1), onDenied: ({ url }) => void denied.push(url), offenders: {} })
  app.get('/', async ({ rateLimit }) => ({ rateLimit }))
  for (let i = 0; i < 3; i++) {
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 200)
    t.same(reply.json(), { rateLimit: null })
    t.notOk(Object.keys(reply.headers).some((name) => name.includes('limit') || name.includes('retry')))
  }
  t.match(counts(app, 'default'), { enforce: 0, allowed: 1, denied: 0, shadowDenied: 2, units: 1 })
  t.same(denied, [])
  t.match(app.rateLimit.offenders(), [{ limiter: 'default', key: CLIENT, denied: 0, shadowDenied: 2 }])
})

test('the log is silent about shadows', async (t) => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const app = await limited(tried(1), { logger: { stream } })
  app.get('/', { logLevel: 'silent' }, ok)
  await ask(app, 'GET /', 'GET /', 'GET /')
  await app.close()
  t.equal(counts(app, 'default').shadowDenied, 2)
  t.same(lines, [])
})

test('beside enforced policies, shadows are listed in `shadow`, and nowhere else', async (t) => {
  const list = [
    { name: 'own', ...only(5) },
    { name: 'one', ...tried(1) },
    { name: 'two', ...tried(2) },
  ]
  const app = await limited({ limiters: { list }, headers: ['x-ratelimit', 'draft-11'] })
  app.get('/', { config: { rateLimit: 'list' } }, async ({ rateLimit }) => {
    const { decision, decisions, shadow, limiter, key } = rateLimit as NonNullable<typeof rateLimit>
    return { decision, decisions, shadow, limiter, key }
  })
  await ask(app, 'GET /')
  const reply = await app.inject('/')
  const own = { allowed: true, policy: 'own', limit: 5, remaining: 3, resetAfter: 1_440_000 }
  t.match(reply.json(), {
    decision: own,
    decisions: [own],
    shadow: [
      { allowed: false, policy: 'one', violated: ['one'], remaining: 0, retryAfter: 3_600_000 },
      { allowed: true, policy: 'two', remaining: 0 },
    ],
    limiter: 'list',
    key: CLIENT,
  })
  t.equal(reply.headers['ratelimit-policy'], '"own";q=5;w=3600')
  t.match(reply.headers, { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '3' })
})

test('a shadow is charged whatever the enforced limiters decide, and never denies', async (t) => {
  const app = await limited({ ...only(1), limiters: { tried: tried(2) } })
  app.get('/', { config: { rateLimit: ['default', 'tried'] } }, ok)
  t.same(await ask(app, ...Array(4).fill('GET /')), ['200 0', '429 0', '429 0', '429 0'])
  t.match(counts(app, 'tried'), { allowed: 2, shadowDenied: 2 })
})

test('the guard, a route, a limiter placed by hand and a returned policy can be shadows', async (t) => {
  const app = await limited({ rateLimit: false, guard: tried(1), limiters: { named: tried(1) } })
  app.get('/route', { config: { rateLimit: tried(1) } }, ok)
  app.get('/hook', { onRequest: app.rateLimit.hook(tried(1)) }, ok)
  app.get('/named', { config: { rateLimit: ['named', { ...only(9) }] } }, ok)
  app.get('/returned', { config: { rateLimit: () => tried(1) } }, ok)
  app.get('/late', { config: { rateLimit: { ...tried(1), hook: 'preHandler' } } }, ok)
  for (const url of ['route', 'hook', 'returned', 'late'])
    t.same(await ask(app, `GET /${url}`, `GET /${url}`), ['200 -', '200 -'], url)
  t.same(await ask(app, 'GET /named', 'GET /named'), ['200 8', '200 7'])
  for (const name of ['GET /route', 'hook', 'named', 'GET /returned', 'GET /late'])
    t.match(counts(app, name), { allowed: 1, shadowDenied: 1 }, name)
  t.match(counts(app, 'guard'), { allowed: 1, shadowDenied: 7 }, 'an exempt route has no guard')
})

test('a route function that returns a law as a shadow and enforced keeps their units apart', async (t) => {
  const app = await limited()
  const choose = ({ headers }: FastifyRequest) => ({ ...only(2), enforce: headers['x-user'] === 'beta' })
  app.get('/', { config: { rateLimit: choose } }, ok)
  const beta = { url: '/', headers: { 'x-user': 'beta' } }
  t.same(await ask(app, 'GET /', 'GET /', 'GET /', beta, beta, beta, 'GET /'), [
    ...Array(3).fill('200 -'),
    ...['200 1', '200 0', '429 0'],
    '200 -',
  ])
})

test('a share of the keys is denied, and the others only count', async (t) => {
  const app = await limited({ ...only(1), enforce: 0.3, key: 'user', keys: { user } })
  app.get('/', ok)
  let denied = 0
  for (let i = 0; i < 60; i++) {
    const request = { url: '/', headers: { 'x-user': `user ${i}` } }
    const answers = await ask(app, request, request)
    t.ok(['200 -,200 -', '200 0,429 0'].includes(String(answers)), String(answers))
    if (answers[1] === '429 0') denied++
  }
  t.ok(denied > 8 && denied < 28, String(denied))
  t.match(counts(app, 'default'), { enforce: 0.3, allowed: 60, denied, shadowDenied: 60 - denied })
})

test('each decision of a shadow is an event', async (t) => {
  const events: DecisionEvent[] = []
  const note = (event: unknown) => void events.push(event as DecisionEvent)
  subscribe('fastify-floodgate:decision', note)
  t.teardown(() => unsubscribe('fastify-floodgate:decision', note))
  const app = await limited({ ...only(9), limiters: { tried: { ...tried(1), block: 'hour' } } })
  app.get('/', { config: { rateLimit: ['default', 'tried'] } }, ok)
  await ask(app, 'GET /', 'GET /', 'GET /')
  const shadows = events.filter(({ limiter }) => limiter === 'tried')
  t.match(
    shadows.map(({ outcome, key, cost, request, decision }) => [outcome, key, cost, request?.url, decision]),
    [
      ['allowed', CLIENT, 1, '/', { allowed: true, remaining: 0 }],
      ['shadowDenied', CLIENT, 1, '/', { allowed: false, blocked: true }],
      ['shadowDenied', CLIENT, 1, '/', { allowed: false, blocked: true }],
    ],
  )
  t.equal(events.length, 6)
})

test('units of shadows go back by the outcome, by hand, and when the response is closed', async (t) => {
  const shared = { ...tried(9), charge: 'failed' } as const
  const app = await limited({
    ...only(9),
    limiters: {
      failures: shared,
      late: tried(9),
      progress: { algorithm: 'concurrency', limit: 2, enforce: false },
    },
  })
  const during: unknown[] = []
  const names = ['default', 'failures', 'late', 'progress'] as const
  app.get('/:status', { config: { rateLimit: [...names] } }, async (request, reply) => {
    const { rateLimit } = request
    during.push(names.map((name) => left(app, name)[0]))
    await rateLimit?.take(2)
    during.push(names.map((name) => left(app, name)[0]))
    await rateLimit?.refund(1)
    during.push(rateLimit?.shadow.map(({ policy, remaining }) => [policy, remaining]))
    return reply.code(Number((request.params as { status: string }).status)).send('ok')
  })
  await ask(app, 'GET /200')
  t.same(during, [
    [8, 8, 8, 1],
    [6, 6, 6, 1],
    [
      ['progress', 1],
      ['failures', 7],
      ['late', 7],
    ],
  ])
  t.same(
    names.map((name) => left(app, name)[0]),
    [7, 9, 7, 2],
  )
  await ask(app, 'GET /500')
  t.same(
    names.map((name) => left(app, name)[0]),
    [5, 7, 5, 2],
  )
})

test('a take in a handler that a shadow would deny charges the others, and is listed', async (t) => {
  const app = await limited({ limiters: { list: [only(9), { name: 'tried', ...tried(2) }] } })
  app.get('/', { config: { rateLimit: 'list' } }, async ({ rateLimit }) => ({
    more: await rateLimit?.take(5),
    shadow: rateLimit?.shadow,
  }))
  t.match((await app.inject('/')).json(), {
    more: { allowed: true, remaining: 3 },
    shadow: [{ policy: 'tried', allowed: false, remaining: 1 }],
  })
  t.same(left(app, 'list'), [3, 1])
  t.equal(counts(app, 'list', 'tried').shadowDenied, 1)
})

test('a handler charges a shadow also where the only enforced policy counts what is in progress', async (t) => {
  const app = await limited({
    limiters: {
      list: [
        { algorithm: 'concurrency', limit: 3, name: 'busy' },
        { name: 'tried', ...tried(9) },
      ],
    },
  })
  app.get('/', { config: { rateLimit: 'list' } }, async ({ rateLimit }) => rateLimit?.take(3))
  t.match((await app.inject('/')).json(), { policy: 'busy', remaining: 2 })
  t.same(left(app, 'list'), [3, 5])
})

test('the units of a guard that is a shadow are not given back by handlers', async (t) => {
  const app = await limited({ ...only(9), guard: tried(9) })
  app.get('/', async ({ rateLimit }) => rateLimit?.refund())
  await ask(app, 'GET /')
  t.same([left(app), left(app, 'guard')], [[9], [8]])
})

test('a shadow holds no request, and one that leaves while it is held gives shadows their units back', async (t) => {
  const app = await limited(
    {
      ...tried(9),
      guard: tried(9),
      limiters: {
        slow: { rate: 1, per: 'minute', burst: 1, wait: '1 minute' },
        free: { rate: 1, per: 'minute', burst: 1, wait: '1 minute', enforce: false },
      },
    },
    { forceCloseConnections: true },
  )
  t.teardown(() => app.close())
  app.get('/free', { config: { rateLimit: 'free' } }, ok)
  app.get('/', { config: { rateLimit: ['default', 'slow'] } }, ok)
  t.same(await ask(app, 'GET /free', 'GET /free', 'GET /free'), Array(3).fill('200 -'))
  t.match(counts(app, 'free'), { allowed: 2, delayed: 0, shadowDenied: 1 })
  t.same(left(app, 'guard'), [6])

  await app.listen({ host: CLIENT, port: 0 })
  await ask(app, 'GET /')
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  while (app.rateLimit.stats().waiting === 0) await sleep(1)
  t.same([left(app), left(app, 'guard')], [[7], [4]])
  socket.destroy()
  while (left(app)[0] === 7) await sleep(1)
  t.same([left(app), left(app, 'guard')], [[8], [4]], 'the guard counts all')
})

test('of limiters placed by hand, the one that held a request gives its own shadows back', async (t) => {
  const app = await limited(
    {
      rateLimit: false,
      limiters: {
        first: tried(9),
        held: [
          { rate: 1, per: 'minute', burst: 1, wait: '1 minute', name: 'slow' },
          { name: 'own', ...tried(9) },
        ],
      },
    },
    { forceCloseConnections: true },
  )
  t.teardown(() => app.close())
  app.get('/', { onRequest: [app.rateLimit.hook('first'), app.rateLimit.hook('held')] }, ok)
  await app.listen({ host: CLIENT, port: 0 })
  await ask(app, 'GET /')
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  while (app.rateLimit.stats().waiting === 0) await sleep(1)
  socket.destroy()
  while (left(app, 'held')[1] === 7) await sleep(1)
  t.same([left(app, 'first'), left(app, 'held')[1]], [[7], 8])
})

test('a key that is missing, and a function that fails, are no matter of others where the limiter is a shadow', async (t) => {
  const lines: { msg: string; err: { message: string } }[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const asked: string[] = []
  const options: RateLimitOptions = {
    ...only(9),
    keys: { user: (request) => (request as never as { user?: string }).user },
    warnings: false,
    limiters: {
      own: { ...only(9), key: () => 'all', cost: () => asked.push('own') && 1 },
      late: { ...tried(9), key: 'user', cost: () => asked.push('late') && 1 },
      broken: { ...tried(9), cost: () => Promise.reject(new Error('broken')) },
      thrown: {
        ...tried(9),
        cost: () => {
          throw new Error('thrown')
        },
      },
    },
  }
  const app = await limited(options, { logger: { stream, level: 'error' } })
  const preValidation = (request: FastifyRequest, _reply: unknown, done: () => void) => {
    asked.push('authentication')
    Object.assign(request, { user: 'ann' })
    done()
  }
  app.get('/', { preValidation, config: { rateLimit: ['late', 'own', 'broken', 'thrown', 'default'] } }, ok)
  t.same(await ask(app, 'GET /'), ['200 8'])
  t.same(asked, ['own', 'authentication', 'late'])
  t.same(left(app, 'late', 'ann'), [8])
  t.same(
    lines.map(({ msg, err }) => `${msg}: ${err.message}`),
    ['shadow failed: broken', 'shadow failed: thrown'],
  )
})

test('a function of an enforced limiter that fails is still an error', async (t) => {
  const fails = () => {
    throw new Error('thrown')
  }
  const app = await limited({ limiters: { thrown: { ...only(9), cost: fails }, tried: tried(9) } })
  app.get('/', { config: { rateLimit: ['tried', 'thrown'] } }, ok)
  const { statusCode } = await app.inject('/')
  t.equal(statusCode, 500)
})

test('keyOf() knows the key that a shadow counted', async (t) => {
  const app = await limited({ ...tried(9), key: () => undefined, warnings: false })
  app.get('/', async (request) => ({ key: await app.rateLimit.keyOf(request) }))
  t.same((await app.inject('/')).json(), { key: CLIENT })
})

test('an answer of a shadow that comes late is settled by the response that was sent', async (t) => {
  const clock = new ManualClock()
  const { store, hold, reply } = lateStore(clock)
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  const progress = { algorithm: 'concurrency', limit: 2, enforce: false } as const
  await app.register(rateLimit, {
    store,
    ...tried(9),
    limiters: { failures: { ...tried(9), charge: 'failed' }, progress },
  } as RateLimitOptions)
  app.get('/', { config: { rateLimit: ['default', 'failures', 'progress'] } }, ok)
  await app.listen({ host: CLIENT, port: 0 })
  const units = async (name: string) => {
    const { buckets } = app.rateLimit.get(name) as never as { buckets: [never] }
    const charge = { bucket: buckets[0], key: CLIENT, cost: 0, remaining: -1 }
    await store.peek([charge as never])
    return charge.remaining
  }
  hold()
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const [chunk] = await once(socket, 'data')
  t.match(String(chunk), /^HTTP\/1.1 200 OK/, 'nobody waited for it')
  await sleep(5)
  reply()
  await sleep(5)
  t.same(await Promise.all(['default', 'failures', 'progress'].map(units)), [8, 9, 2])
})

test('a function that fails is an error again as soon as the limiter is enforced', async (t) => {
  const cost = () => {
    throw new Error('thrown')
  }
  const app = await limited({ ...only(9), limiters: { thrown: { ...tried(9), cost } } })
  app.get('/', { config: { rateLimit: ['default', 'thrown'] } }, ok)
  t.equal((await app.inject('/')).statusCode, 200)
  app.rateLimit.update('thrown', { ...only(9), enforce: true })
  t.equal((await app.inject('/')).statusCode, 500)
})

test('over a network, what handlers take and give back is done to shadows, too, and fails nobody', async (t) => {
  const clock = new ManualClock()
  const { store, hold, fail } = lateStore(clock)
  const app = Fastify()
  await app.register(rateLimit, { ...only(9), store, limiters: { tried: tried(9) } } as RateLimitOptions)
  const config = { rateLimit: ['default', 'tried'] }
  app.get('/', { config }, async ({ rateLimit }) => {
    await rateLimit?.take(3)
    await rateLimit?.refund(1)
    return rateLimit?.shadow
  })
  app.get('/fails', { config }, async ({ rateLimit }) => {
    hold()
    setImmediate(fail)
    await rateLimit?.refund()
  })
  t.match((await app.inject('/')).json(), [{ policy: 'tried', remaining: 6 }])
  const reply = await app.inject('/fails')
  t.equal(reply.statusCode, 500, 'that of an enforced policy is an error')
  t.match(reply.json(), { message: 'no reply' })
})
