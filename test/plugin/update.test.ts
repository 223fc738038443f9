import { setImmediate } from 'node:timers/promises'
import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { memoryStore } from '../../lib/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ask, CLIENT, left, limited, ok, only, user } from './support/app.js'

test('the next decision goes by the new policies: headers, stats and references follow', async (t) => {
  const app = await limited({
    ...only(2),
    limiters: { login: only(1) },
    headers: ['x-ratelimit', 'draft-11'],
  })
  app.get('/', ok)
  app.post('/login', { config: { rateLimit: 'login' } }, ok)
  const login = app.rateLimit.get('login')
  t.same(await ask(app, 'GET /', 'POST /login', 'POST /login'), ['200 1', '200 0', '429 0'])

  app.rateLimit.update('login', { algorithm: 'sliding-window', rate: 3, per: 'day' })
  t.same(await ask(app, 'POST /login', 'GET /'), ['200 2', '200 0'], 'and the default limiter is as it was')
  t.equal(app.rateLimit.get('login'), login)
  t.match(login.policies, [{ algorithm: 'sliding-window', limit: 3, per: 86_400_000 }])
  t.equal(left(app, 'login'), 2)
  t.match(app.rateLimit.stats().limiters.login.policies, { login: { rate: 3, allowed: 2, denied: 1 } })
  t.match(login.stats(), { policies: { login: { rate: 3, allowed: 2 } } })
  const { headers } = await app.inject({ method: 'POST', url: '/login' })
  t.match(headers, { 'x-ratelimit-limit': '3', 'ratelimit-policy': '"login";q=3;w=86400' })
})

test('the default limiter and the guard change, and what a route describes', async (t) => {
  const app = await limited({ ...only(2), guard: only(9), limiters: { own: {} } })
  app.get('/', ok)
  app.get('/search', { config: { rateLimit: { rate: 5 } } }, ok)
  await app.ready()
  app.rateLimit.update('default', only(4))
  app.rateLimit.update('guard', only(3))
  app.rateLimit.update('GET /search', only(7))
  t.same(await ask(app, 'GET /', 'GET /search'), ['200 2', '200 1'], 'the tightest is the guard')
  t.equal(left(app, 'GET /search'), 6)
  t.equal(app.rateLimit.get('own').policies[0].limit, 2, 'what inherits from the default limiter stays')
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
})

test('what is left out is inherited as in the options; cost, charge and status stay', async (t) => {
  const app = await limited({
    rate: 100,
    per: 'hour',
    burst: 8,
    limiters: { login: { ...only(4), cost: 2, charge: 'failed', status: 503 } },
  })
  app.get('/login', { config: { rateLimit: 'login' } }, (_request, reply) => reply.code(401).send())
  app.rateLimit.update('login', { rate: 50 })
  t.match(app.rateLimit.get('login').policies, [{ rate: 50, per: 3_600_000, limit: 8 }])
  t.same(await ask(app, ...Array(5).fill('GET /login')), ['401 6', '401 4', '401 2', '401 0', '503 0'])
  app.rateLimit.update('login', { ...only(3), cost: 1, charge: 'succeeded', status: 429 })
  t.same(await ask(app, 'GET /login', 'GET /login'), ['401 2', '401 2'], 'failures are given back')
})

test('what is not allowed changes nothing', async (t) => {
  const app = await limited({
    ...only(2),
    guard: only(9),
    keys: { user },
    limiters: { login: { key: 'user' } },
  })
  const refused = (name: string, policies: object, message: RegExp) =>
    t.throws(() => app.rateLimit.update(name, policies), { message }, String(message))
  refused('logn', {}, /no limiter is called 'logn'; did you mean 'login'\?/)
  refused('login', { rate: '5' }, /option 'policies\.rate' is '5'/)
  refused('login', { rates: 5 }, /unknown option 'policies\.rates'; did you mean 'rate'\?/)
  refused('login', { key: 'ip' }, /option 'policies\.key' is 'ip'; allowed: what the limiter was made with/)
  refused('login', { hook: 'preHandler' }, /option 'policies\.hook' is 'preHandler'/)
  refused('login', [], /option 'policies' is an empty list/)
  refused('login', [{}, { rate: -1 }], /option 'policies\[1\]\.rate'/)
  refused('login', [null] as never, /option 'policies\[0\]' is null/)
  refused('login', 5 as never, /option 'policies' is 5/)
  refused('guard', { cost: 2 }, /unknown option 'policies\.cost'/)
  t.match(app.rateLimit.get('login').policies, [{ limit: 2 }])
  t.doesNotThrow(() => app.rateLimit.update('login', { key: 'user', rate: 7 }), 'the same key is no change')
})

test('null ends what an update made of a limiter, and a limiter that none changed stays', async (t) => {
  const app = await limited({ ...only(2), limiters: { login: { cost: 2 } } })
  const policies = { rate: 7, cost: 3 }
  app.rateLimit.update('login', policies)
  policies.rate = 1
  t.match(app.rateLimit.optionsOf('login'), { rate: 7, cost: 3 })
  app.rateLimit.update('login', { rate: 8 })
  t.match(app.rateLimit.optionsOf('login'), { rate: 8, cost: 3 })
  app.rateLimit.update('login', null)
  app.rateLimit.update('default', null)
  t.match(app.rateLimit.optionsOf('login'), { rate: 2, cost: 2 })
  t.match(app.rateLimit.optionsOf('default'), only(2))
  app.rateLimit.update('login', { rate: 8 })
  t.match(app.rateLimit.optionsOf('login'), { rate: 8, cost: 2 }, 'nothing is left of what has ended')
})

test('an update needs as much room as the limiter would have needed', async (t) => {
  const store = memoryStore({ maxKeys: 1, maxUnits: 4096, clock: new ManualClock() })
  const app = Fastify()
  await app.register(rateLimit, { store, ...only(2) })
  t.throws(() => app.rateLimit.update('default', [only(1), only(2)]), /option 'maxKeys' is 1/)
  t.throws(() => app.rateLimit.update('default', { algorithm: 'sliding-window', rate: 100_000 }), /maxUnits/)
  t.equal(left(app), 2)
})

test('one policy becomes several, and several become one; counters of policies that are gone go', async (t) => {
  const app = await limited(only(5))
  app.get('/', ok)
  app.rateLimit.update('default', [only(3), { name: 'daily', ...only(2), per: 'day' }])
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
  const counted = () => Object.keys(app.rateLimit.stats().limiters.default.policies)
  t.same(counted(), ['default-3-per-hour', 'daily'])
  app.rateLimit.update('default', only(4))
  t.same(await ask(app, 'GET /'), ['200 3'])
  t.same(counted(), ['default'])
})

test('waiting, blocks, units in progress and charges by outcome may come and go', async (t) => {
  const clock = new ManualClock()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: memoryStore({ clock }), ...only(1) })
  app.get('/', ok)
  app.rateLimit.update('default', { algorithm: 'concurrency', limit: 1 })
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '200 0'], 'the first unit is back')
  app.rateLimit.update('default', { rate: 100, per: 'second', burst: 1, wait: '1 second' })
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '200 0'])
  t.equal(app.rateLimit.stats().limiters.default.policies.default.delayed, 1, 'the second was held')
  app.rateLimit.update('default', { ...only(1), block: '1 hour' })
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  t.match(app.rateLimit.get('default').peek(CLIENT), { blocked: true })
  app.rateLimit.update('default', { ...only(2), charge: 'failed' })
  t.same(await ask(app, 'GET /', 'GET /'), ['200 1', '200 1'])
})

test('keys begin fresh, but what block() blocked stays blocked until its end, and reset() lifts it', async (t) => {
  const app = await limited({ ...only(1), limiters: { login: only(1) } })
  app.get('/', { config: { rateLimit: 'login' } }, ok)
  const login = app.rateLimit.get('login')
  login.take(CLIENT)
  login.block('spammer', '1 hour')
  login.block('sinner', '1 hour')
  login.reset('sinner')
  app.rateLimit.update('login', only(2))
  t.equal(left(app, 'login'), 2)
  t.equal(left(app, 'login', 'sinner'), 2)
  const { blocked, retryAfter } = login.peek('spammer') as { blocked: boolean; retryAfter: number }
  t.ok(blocked)
  t.ok(retryAfter <= 3_600_000 && retryAfter > 3_500_000)
  login.reset('spammer')
  app.rateLimit.update('login', only(3))
  t.equal(left(app, 'login', 'spammer'), 3)
})

test('a block ends by the clock of the store, also under the next law', async (t) => {
  const clock = new ManualClock()
  const app = await limited({ ...only(1), store: memoryStore({ clock }) })
  const limiter = app.rateLimit.get('default')
  limiter.block('over', '1 hour')
  limiter.block('long', '3 hours')
  clock.advance(2 * 3_600_000)
  app.rateLimit.update('default', only(2))
  t.match(limiter.peek('over'), { allowed: true })
  t.match(limiter.peek('long'), { blocked: true, retryAfter: 3_600_000 })
})

test('a request that was admitted by the old law gives its units back to the old law', async (t) => {
  const app = await limited({ algorithm: 'concurrency', limit: 3 })
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  app.get('/', async () => {
    await held
    return 'ok'
  })
  const reply = app.inject('/')
  while (app.rateLimit.stats().limiters.default.policies.default.allowed === 0) await setImmediate()
  app.rateLimit.update('default', { algorithm: 'concurrency', limit: 2, hold: '2 minutes' })
  t.equal(left(app), 2)
  release()
  t.equal((await reply).statusCode, 200)
  t.equal(left(app), 2, 'the new law has no unit out')
  app.rateLimit.update('default', { algorithm: 'concurrency', limit: 3 })
  t.equal(left(app), 3, 'and the old law none either')
})

test('a thousand updates take no more memory than one', async (t) => {
  const app = await limited(only(5))
  app.get('/', ok)
  for (let i = 1; i <= 1000; i++) {
    app.rateLimit.update('default', [only(i), { ...only(2 * i), per: 'day' }])
    app.rateLimit.get('default').take('client')
  }
  t.equal(Object.keys(app.rateLimit.stats().limiters.default.policies).length, 2)
})

for (const kind of ['memory', 'late'] as const) {
  const open = async () => {
    const clock = new ManualClock()
    const store = kind === 'memory' ? memoryStore({ clock }) : lateStore(clock).store
    const app = await limited({ ...only(1), store })
    const { rateLimit } = app
    const isBlocked = async () => {
      // What an update does in a store over a network takes a turn or two.
      for (let i = 0; i < 3; i++) await setImmediate()
      const decision = await rateLimit.get('default').peek('key')
      return !decision.allowed && decision.blocked === true
    }
    return { clock, rateLimit, isBlocked }
  }

  test(`what reset() lifted stays lifted when an earlier law comes back: ${kind}`, async (t) => {
    const { rateLimit, isBlocked } = await open()
    await rateLimit.block('default', 'key', '1 hour')
    rateLimit.update('default', only(2))
    t.equal(await isBlocked(), true)
    await rateLimit.reset('default', 'key')
    t.equal(await isBlocked(), false)
    rateLimit.update('default', null)
    t.equal(await isBlocked(), false)
    rateLimit.update('default', only(2))
    t.equal(await isBlocked(), false)
  })

  test(`an override that comes back has no block that was lifted meanwhile: ${kind}`, async (t) => {
    const { rateLimit, isBlocked } = await open()
    rateLimit.override('default', 'key', only(5))
    await rateLimit.block('default', 'key', '1 hour')
    rateLimit.override('default', 'key', null)
    t.equal(await isBlocked(), true)
    await rateLimit.reset('default', 'key')
    rateLimit.override('default', 'key', only(5))
    t.equal(await isBlocked(), false)
  })

  test(`an override that comes while a block or a reset is under way has it, too: ${kind}`, async (t) => {
    const { rateLimit, isBlocked } = await open()
    const blocked = rateLimit.block('default', 'key', '1 hour')
    rateLimit.override('default', 'key', only(5))
    await blocked
    t.equal(await isBlocked(), true)
    const lifted = rateLimit.reset('default', 'key')
    rateLimit.override('default', 'key', only(6))
    await lifted
    t.equal(await isBlocked(), false)
  })
}

test('a block that another one made shorter is over when that is, under an earlier law, too', async (t) => {
  const clock = new ManualClock()
  const app = await limited({ ...only(1), store: memoryStore({ clock }) })
  const limiter = app.rateLimit.get('default')
  limiter.block('key', '1 hour')
  app.rateLimit.update('default', only(2))
  limiter.block('key', '1 minute')
  clock.advance(60_000)
  app.rateLimit.update('default', null)
  t.match(limiter.peek('key'), { allowed: true })
  limiter.take('key')
  app.rateLimit.update('default', only(3))
  app.rateLimit.update('default', null)
  t.match(limiter.peek('key'), { allowed: false, remaining: 0 }, 'only a block is lifted')
})
