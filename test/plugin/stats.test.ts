import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'tap'
import { memoryStore } from '../../lib/index.js'
import { createSharedMemory, sharedStore } from '../../lib/threads.js'
import type { OutcomeCounts } from '../../types/index.js'
import { ask, frozenStore, limited, ok, only, user } from './support/app.js'
import { countsOf, totals, witness } from './support/witness.js'

const STORES = {
  memory: () => memoryStore(),
  shared: () => sharedStore({ memory: createSharedMemory() }),
}

for (const [kind, store] of Object.entries(STORES)) {
  test(`counters agree with what clients saw, to the unit: ${kind}`, async (t) => {
    const { seen, stats } = await witness(t, store())
    t.same(countsOf(stats), seen)
    const total = totals(seen)
    for (const outcome of ['allowed', 'delayed', 'denied', 'blocked', 'nearLimit', 'units'] as const)
      t.ok(total[outcome] > 0, `${outcome}: ${total[outcome]}`)
    t.match(stats.store, { kind, state: 'up', maxKeys: 100_000, forgotten: 0 })
    t.equal(stats.waiting, 0)
  })
}

/** The counts of a policy that are not 0. */
function counted(app: Awaited<ReturnType<typeof limited>>, limiter: string, policy = limiter) {
  const counts: Partial<OutcomeCounts> = countsOf(app.rateLimit.stats())[limiter][policy]
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

test('a snapshot has each limiter and policy, by name, with its numbers', async (t) => {
  const before = Date.now()
  const app = await limited({
    ...only(5),
    guard: only(9),
    limiters: { pair: [{ rate: 3 }, { algorithm: 'sliding-window', rate: 7, per: 'day' }] },
  })
  app.get('/own', { config: { rateLimit: { algorithm: 'concurrency', limit: 2 } } }, ok)
  await app.ready()
  const { since, limiters, waiting } = app.rateLimit.stats()
  t.ok(since.getTime() >= before && since.getTime() <= Date.now())
  t.equal(waiting, 0)
  t.same(Object.keys(limiters), ['default', 'pair', 'guard', 'GET /own'])
  t.same(limiters.default.policies.default, {
    algorithm: 'token-bucket',
    rate: 5,
    per: 3_600_000,
    limit: 5,
    enforce: 1,
    ...{ allowed: 0, delayed: 0, denied: 0, blocked: 0, shadowDenied: 0, nearLimit: 0, units: 0 },
  })
  t.match(limiters.pair.policies, {
    'pair-3-per-hour': { rate: 3, limit: 3 },
    'pair-7-per-day': { algorithm: 'sliding-window', rate: 7, per: 86_400_000, limit: 7 },
  })
  t.match(limiters['GET /own'].policies['GET /own'], { algorithm: 'concurrency', limit: 2, per: 60_000 })
  const snapshot = app.rateLimit.stats()
  await app.inject('/')
  t.equal(snapshot.limiters.guard.policies.guard.allowed, 0, 'it stands still')
  t.equal(app.rateLimit.stats().limiters.guard.policies.guard.allowed, 1)
})

test('requests with and without a key count as one policy', async (t) => {
  const app = await limited({
    ...only(2),
    key: 'user',
    keys: { user: (request) => request.headers['x-user'] },
    warnings: false,
  })
  app.get('/', ok)
  for (const headers of [{}, { 'x-user': 'a' }, {}, {}]) await app.inject({ url: '/', headers })
  t.same(counted(app, 'default'), { allowed: 3, denied: 1, nearLimit: 1, units: 3 })
})

test('what a handler takes in addition is a decision of its own, and what goes back stays counted', async (t) => {
  const app = await limited(only(10))
  app.get('/', async (request) => {
    await request.rateLimit?.take(4)
    await request.rateLimit?.take(9)
    await request.rateLimit?.refund()
    return 'ok'
  })
  t.same(await ask(app, 'GET /'), ['200 10'])
  t.same(counted(app, 'default'), { allowed: 2, denied: 1, units: 5 })
})

test('a denial counts where it was made, and nothing elsewhere', async (t) => {
  const app = await limited({ ...only(9), limiters: { one: only(1), two: only(1), three: only(3) } })
  app.get('/', { config: { rateLimit: ['one', 'two', 'three'] } }, ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  t.same(counted(app, 'one'), { allowed: 1, denied: 1, nearLimit: 1, units: 1 })
  t.same(counted(app, 'two'), { allowed: 1, denied: 1, nearLimit: 1, units: 1 })
  t.same(counted(app, 'three'), { allowed: 1, units: 1 })
})

test('an earlier decision stays counted when a later one denies', async (t) => {
  const app = await limited({ ...only(9), keys: { user }, limiters: { late: { ...only(0), rate: 0 } } })
  app.get('/', { config: { rateLimit: ['default', { ...only(1), key: 'user' }] } }, ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  t.same(counted(app, 'default'), { allowed: 2, units: 2 })
  t.same(counted(app, 'GET /'), { allowed: 1, denied: 1, nearLimit: 1, units: 1 })
})

test('beyond `maxWaiting`, what would wait counts as denied, and only as that', async (t) => {
  const app = await limited({ rate: 50, per: 'second', burst: 1, wait: '1 second', maxWaiting: 1 })
  app.get('/', ok)
  const held = [app.inject('/'), app.inject('/'), app.inject('/'), app.inject('/')]
  await app.inject('/')
  t.equal(app.rateLimit.stats().waiting, 1)
  t.same(counted(app, 'default'), { allowed: 1, delayed: 1, denied: 3, nearLimit: 2, units: 2 })
  await Promise.all(held)
  t.equal(app.rateLimit.stats().waiting, 0)
})

test('calls that wait() holds wait, too, and count as requests do', async (t) => {
  const app = await limited({ rate: 50, per: 'second', burst: 1, wait: '1 second' })
  const limiter = app.rateLimit.get('default')
  await limiter.wait('a')
  const call = limiter.wait('a')
  await nextTurn()
  t.equal(app.rateLimit.stats().waiting, 1)
  t.same(counted(app, 'default'), { allowed: 1, delayed: 1, nearLimit: 2, units: 2 })
  await call
  t.equal(app.rateLimit.stats().waiting, 0)
})

test('all policies that a function returns count as one, whatever they are called', async (t) => {
  const app = await limited({ ...only(1), store: frozenStore() })
  let n = 0
  const rateLimit = () => [{ name: `client ${n}`, ...only(++n) }, { ...only(100) }]
  app.get('/', { config: { rateLimit } }, ok)
  for (let i = 0; i < 3; i++) await app.inject('/')
  const { limiters } = app.rateLimit.stats()
  t.match(Object.keys(limiters), ['default', 'GET /', 'GET / #2'])
  t.match(limiters['GET /'].policies, { 'GET /': { limit: 3, allowed: 3, units: 3 } })
  t.same(Object.keys(limiters['GET /'].policies), ['GET /'])
  t.match(limiters['GET / #2'].policies['GET / #2'], { limit: 100, allowed: 3 })
})

test('a limiter of the registry has its part of the snapshot, and peeks do not count', async (t) => {
  const app = await limited({ ...only(2), limiters: { login: only(1) } })
  app.get('/', { config: { rateLimit: 'login' } }, ok)
  await ask(app, 'GET /', 'GET /')
  const limiter = app.rateLimit.get('login')
  limiter.peek('127.0.0.1')
  t.match(limiter.stats(), { policies: { login: { allowed: 1, denied: 1 } } })
  t.same(limiter.stats(), app.rateLimit.stats().limiters.login)
})

test('a limiter called like a property of all objects is one like others', async (t) => {
  const app = await limited({ ...only(2), limiters: JSON.parse('{"__proto__":{"rate":3}}') })
  t.same(Object.keys(app.rateLimit.stats().limiters), ['default', '__proto__'])
})
