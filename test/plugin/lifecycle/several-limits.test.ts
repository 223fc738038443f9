import { test } from 'tap'
import type { RoutePolicy } from '../../../lib/index.js'
import { ask, left, limited, ok, only, user } from '../support/app.js'

/** Limiters of every place in the lifecycle, each with three units. */
const PLACES: Record<string, RoutePolicy> = {
  arrival: { key: 'ip' },
  global: { key: 'global' },
  onRequest: { key: user },
  preValidation: { key: user, hook: 'preValidation' },
  preHandler: { key: user, hook: 'preHandler' },
}
const KEYS: Record<string, string> = { arrival: '127.0.0.1', global: 'global' }
const NAMES = Object.keys(PLACES)

for (const denying of NAMES) {
  test(`a denial by the limiter at ${denying} charges no other limiter of the route, wherever it stands`, async (t) => {
    const limiters = Object.fromEntries(
      NAMES.map((name) => [name, { ...only(name === denying ? 1 : 3), ...PLACES[name] }]),
    )
    const app = await limited({ limiters })
    app.get('/', { config: { rateLimit: NAMES } }, ok)
    const after = () => NAMES.map((name) => left(app, name, KEYS[name] ?? 'nobody'))
    const once = NAMES.map((name) => (name === denying ? 0 : 2))
    t.same(await ask(app, 'GET /'), ['200 0'])
    t.same(after(), once)
    t.same(await ask(app, 'GET /', 'GET /'), ['429 0', '429 0'])
    t.same(after(), once, 'what was charged before the denial came back')
  })
}

test('the cost that comes back is the cost that was charged', async (t) => {
  const app = await limited({ limiters: { ip: { ...only(9), cost: 4 }, user: { ...only(1), key: user } } })
  app.get('/', { config: { rateLimit: ['ip', 'user'] } }, ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 0', '429 0', '429 0'])
  t.equal(left(app, 'ip'), 5)
})

test('an app that refunds what was denied gives nothing back twice', async (t) => {
  const app = await limited({ limiters: { ip: only(9), user: { ...only(1), key: user } } })
  app.setErrorHandler((_error, request, reply) => {
    request.rateLimit?.refund()
    request.rateLimit?.refund(5)
    reply.send()
  })
  app.get('/', { config: { rateLimit: ['ip', 'user'] } }, ok)
  await ask(app, 'GET /', 'GET /', 'GET /')
  t.equal(left(app, 'ip'), 8)
  t.equal(left(app, 'user', 'nobody'), 0)
})

test('a unit that comes back to a sliding window can be spent again', async (t) => {
  const app = await limited({
    limiters: { window: { algorithm: 'sliding-window', rate: 2 }, user: { ...only(1), key: user } },
  })
  app.get('/', { config: { rateLimit: ['window', 'user'] } }, ok)
  app.get('/window', { config: { rateLimit: 'window' } }, ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /window', 'GET /window'), ['200 0', '429 0', '200 0', '429 0'])
})

test('a denial has the decision of the limiter that denied, and those of all that decided', async (t) => {
  const app = await limited({ limiters: { ip: only(9), user: { ...only(1), key: user } } })
  app.setErrorHandler((_error, request) => ({
    limiter: request.rateLimit?.limiter,
    decisions: request.rateLimit?.decisions.map(({ policy, allowed, remaining }) => [
      policy,
      allowed,
      remaining,
    ]),
  }))
  app.get('/', { config: { rateLimit: ['ip', 'user'] } }, ok)
  await ask(app, 'GET /')
  const denied = await app.inject('/')
  t.same(denied.json(), {
    limiter: 'user',
    decisions: [
      ['user', false, 0],
      ['ip', true, 8],
    ],
  })
})

test('a route config adds to no limiter that it does not name: a list is how to keep the default', async (t) => {
  const app = await limited(only(5))
  app.get('/own', { config: { rateLimit: only(2) } }, ok)
  app.get('/both', { config: { rateLimit: ['default', only(2)] } }, ok)
  t.same(await ask(app, 'GET /own', 'GET /own', 'GET /own'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 5)
  t.same(await ask(app, 'GET /both', 'GET /both', 'GET /both'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 3)
})

test('a limiter of several policies charges all of them or none', async (t) => {
  const policies = [
    { name: 'short', ...only(1) },
    { name: 'long', ...only(9) },
  ]
  const app = await limited({ limiters: { two: policies } })
  app.get('/', { config: { rateLimit: 'two' } }, async (request) => request.rateLimit?.decisions)
  const allowed = await app.inject('/')
  t.same(
    allowed.json().map(({ policy, remaining }: { policy: string; remaining: number }) => [policy, remaining]),
    [
      ['short', 0],
      ['long', 8],
    ],
  )
  await ask(app, 'GET /', 'GET /')
  app.rateLimit.get('two').refund('127.0.0.1')
  t.same(await ask(app, 'GET /'), ['200 0'])
})

test('a named limiter groups the routes that name it, alone or in a list, in any scope', async (t) => {
  const app = await limited({ limiters: { group: only(4) } })
  app.get('/a', { config: { rateLimit: 'group' } }, ok)
  app.post('/b', { config: { rateLimit: ['group', only(9)] } }, ok)
  app.get('/c', { config: { rateLimit: () => 'group' } }, ok)
  app.register(async (scope) => scope.get('/d', { config: { rateLimit: 'group' } }, ok), { prefix: '/v1' })
  t.same(await ask(app, 'GET /a', 'POST /b', 'GET /c', 'GET /v1/d'), ['200 3', '200 2', '200 1', '200 0'])
  t.same(await ask(app, 'GET /a', 'POST /b', 'GET /c', 'GET /v1/d'), Array(4).fill('429 0'))
})

test('the default limiter is one for all routes that say nothing, and for those that name it', async (t) => {
  const app = await limited(only(3))
  app.get('/a', ok)
  app.post('/b', ok)
  app.get('/c', { config: { rateLimit: 'default' } }, ok)
  t.same(await ask(app, 'GET /a', 'POST /b', 'GET /c', 'GET /a'), ['200 2', '200 1', '200 0', '429 0'])
})

test('the policy objects of two routes have buckets of their own, equal as they may be', async (t) => {
  const app = await limited()
  app.get('/a', { config: { rateLimit: only(1) } }, ok)
  app.get('/b', { config: { rateLimit: only(1) } }, ok)
  t.same(await ask(app, 'GET /a', 'GET /b', 'GET /a', 'GET /b'), ['200 0', '200 0', '429 0', '429 0'])
})

test('a hook placed by hand charges in addition to the config of the route', async (t) => {
  const app = await limited({ ...only(9), limiters: { login: only(2) } })
  app.get('/', { preHandler: app.rateLimit.hook('login') }, ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 6)
})

test('where a function for a cost rejects and another one throws, the request fails and nothing else does', async (t) => {
  const reject = async () => {
    throw new Error('one')
  }
  const raise = () => {
    throw new Error('two')
  }
  const app = await limited({
    limiters: { one: { ...only(3), cost: reject }, two: { ...only(3), cost: raise } },
  })
  app.get('/', { config: { rateLimit: ['one', 'two'] } }, ok)
  const unhandled: unknown[] = []
  const listener = (error: unknown) => unhandled.push(error)
  process.prependListener('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  t.equal((await app.inject('/')).statusCode, 500)
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.same(unhandled, [])
})
