import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, {
  type AnyPolicy,
  type LimiterName,
  memoryStore,
  type RateLimitOptions,
} from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { limited, only, user } from './support/app.js'

async function registered(t: Test, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: memoryStore({ clock: new ManualClock() }), ...options })
  return app
}

/** What is thrown, if anything. */
function thrown(act: () => unknown): { code?: string; message?: string } | null {
  try {
    act()
    return null
  } catch (error) {
    return error as Error
  }
}

const names = (limiters: Iterable<{ name: string }>) => [...limiters].map(({ name }) => name)

test('the registry knows the default limiter, the guard, those of the options and those defined later', async (t) => {
  const app = await registered(t, { guard: { rate: 50 }, limiters: { login: { rate: 5 } } })
  const search = app.rateLimit.define('search', { rate: 7 })
  t.same(names(app.rateLimit).sort(), ['default', 'guard', 'login', 'search'])
  t.equal(app.rateLimit.get('search'), search)
  t.equal(app.rateLimit.has('search'), true)
  t.equal(app.rateLimit.has('nobody'), false)
  t.equal(app.rateLimit.has('toString'), false)
})

test('a limiter of the registry and the routes that name it share their buckets', async (t) => {
  const app = await registered(t, { limiters: { login: { rate: 2 } } })
  app.post('/login', { config: { rateLimit: 'login' } }, () => 'ok')
  t.equal((await app.rateLimit.get('login').take('127.0.0.1')).allowed, true)
  t.equal((await app.inject({ method: 'POST', url: '/login' })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/login' })).statusCode, 429)
  app.rateLimit.get('login').reset('127.0.0.1')
  t.equal((await app.inject({ method: 'POST', url: '/login' })).statusCode, 200)
})

test('iteration is in the order of definition, and a name gives always the same limiter', async (t) => {
  const app = await registered(t, { limiters: { search: {}, login: {} } })
  app.rateLimit.define('export', {})
  t.same(names(app.rateLimit), ['default', 'search', 'login', 'export'])
  t.equal(app.rateLimit.get('login').name, 'login')
  t.equal(app.rateLimit.get('login'), app.rateLimit.get('login'))
})

test('limiters share a store, and no keys', async (t) => {
  const store = memoryStore({ clock: new ManualClock() })
  const app = await registered(t, { store, limiters: { search: { rate: 1 }, login: { rate: 1 } } })
  const [search, login] = [app.rateLimit.get('search'), app.rateLimit.get('login')]
  t.equal(search.store, store)
  t.equal(login.store, store)
  t.ok((await search.take('a')).allowed)
  t.notOk((await search.take('a')).allowed)
  t.ok((await login.take('a')).allowed)
})

test('a name is given once; the limiter that has it stays', async (t) => {
  const app = await registered(t, { limiters: { login: {} } })
  const first = app.rateLimit.get('login')
  t.throws(() => app.rateLimit.define('login', {}), {
    code: 'FST_FLOODGATE_DUPLICATE',
    message: "a limiter called 'login' is already there",
  })
  t.equal(app.rateLimit.get('login'), first)
})

test('an unknown name is refused with the nearest known one and all others', async (t) => {
  const app = await registered(t, { limiters: { login: {}, search: {} } })
  const known = 'known: default, login, search'
  const cases: [unknown, string][] = [
    ['logn', `no limiter is called 'logn'; did you mean 'login'?; ${known}`],
    ['Search', `no limiter is called 'Search'; did you mean 'search'?; ${known}`],
    ['something else entirely', `no limiter is called 'something else entirely'; ${known}`],
    [undefined, `no limiter is called undefined; ${known}`],
    [{}, `no limiter is called an object; ${known}`],
  ]
  for (const [name, message] of cases)
    t.throws(() => app.rateLimit.get(name as string), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER', message })
})

test('names of the object prototype are names like others', async (t) => {
  const app = await registered(t)
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.notOk(app.rateLimit.has(name))
    t.throws(() => app.rateLimit.get(name), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' })
  }
})

const MISUSES: [
  string,
  (registry: Awaited<ReturnType<typeof registered>>['rateLimit']) => unknown,
  string,
  RegExp,
][] = [
  [
    'get of an unknown name',
    (r) => r.get('logn'),
    'FST_FLOODGATE_UNKNOWN_LIMITER',
    /'logn'; did you mean 'login'\?; known: default, login/,
  ],
  [
    'get of no name',
    (r) => r.get(undefined as unknown as LimiterName),
    'FST_FLOODGATE_UNKNOWN_LIMITER',
    /undefined.*known: default/,
  ],
  [
    'hook of an unknown name',
    (r) => r.hook('defualt'),
    'FST_FLOODGATE_UNKNOWN_LIMITER',
    /did you mean 'default'\?/,
  ],
  [
    'hook of the guard',
    (r) => r.hook('guard'),
    'FST_FLOODGATE_UNKNOWN_LIMITER',
    /'guard'; known: default, login$/,
  ],
  [
    'hook of a misspelt option',
    (r) => r.hook({ rat: 5 } as object),
    'FST_FLOODGATE_UNKNOWN_OPTION',
    /'hook\.rat'; did you mean 'rate'/,
  ],
  ['hook of a wrong rate', (r) => r.hook({ rate: -1 }), 'FST_FLOODGATE_OPTION', /'hook\.rate' is -1/],
  [
    'hook of an unknown strategy',
    (r) => r.hook({ key: 'usr' }),
    'FST_FLOODGATE_UNKNOWN_KEY',
    /'hook\.key'.*'usr'/,
  ],
  [
    'hook of nothing',
    (r) => r.hook(undefined as unknown as LimiterName),
    'FST_FLOODGATE_OPTION',
    /'hook' is undefined/,
  ],
  ['hook of null', (r) => r.hook(null as unknown as LimiterName), 'FST_FLOODGATE_OPTION', /'hook' is null/],
  [
    'hook of false',
    (r) => r.hook(false as unknown as LimiterName),
    'FST_FLOODGATE_OPTION',
    /'hook' is false/,
  ],
  [
    'hook of a place that it cannot honour',
    (r) => r.hook({ hook: 'preHandler' }),
    'FST_FLOODGATE_OPTION',
    /'hook\.hook' is 'preHandler'/,
  ],
  [
    'define of a name that is taken',
    (r) => r.define('login', {}),
    'FST_FLOODGATE_DUPLICATE',
    /'login' is already there/,
  ],
  [
    'define of the default limiter',
    (r) => r.define('default', {}),
    'FST_FLOODGATE_OPTION',
    /'default'.*other than/,
  ],
  [
    'define of the reserved guard',
    (r) => r.define('guard', {}),
    'FST_FLOODGATE_OPTION',
    /'guard'.*other than/,
  ],
  ['define without a name', (r) => r.define('', {}), 'FST_FLOODGATE_OPTION', /'name' is ''/],
  [
    'define of a wrong name',
    (r) => r.define(5 as unknown as string, {}),
    'FST_FLOODGATE_OPTION',
    /'name' is 5/,
  ],
  [
    'define of nothing',
    (r) => r.define('x', undefined as unknown as AnyPolicy),
    'FST_FLOODGATE_OPTION',
    /'limiters\.x' is undefined/,
  ],
  [
    'define of a misspelt option',
    (r) => r.define('x', { brst: 5 } as object),
    'FST_FLOODGATE_UNKNOWN_OPTION',
    /'limiters\.x\.brst'; did you mean 'burst'/,
  ],
  [
    'define of a wrong hook',
    (r) => r.define('x', { hook: 'onRequest' as 'preHandler' }),
    'FST_FLOODGATE_OPTION',
    /'limiters\.x\.hook' is 'onRequest'/,
  ],
]

for (const [what, misuse, code, message] of MISUSES) {
  test(`${what} throws ${code}`, async (t) => {
    const app = await registered(t, { limiters: { login: {} } })
    t.match(
      thrown(() => misuse(app.rateLimit)),
      { code, message },
    )
  })
}

test('a policy given to hook() after the app is ready is refused, because each call would make a limiter', async (t) => {
  const app = await registered(t, { rate: 1000 })
  const once = app.rateLimit.hook({ rate: 1 })
  app.get(
    '/each',
    { onRequest: (...request) => app.rateLimit.hook({ rate: 1 }).call(app, ...request) },
    () => 'ok',
  )
  app.get('/once', { onRequest: once }, () => 'ok')
  app.get(
    '/name',
    { onRequest: (...request) => app.rateLimit.hook('default').call(app, ...request) },
    () => 'ok',
  )
  await app.ready()
  const limiters = [...app.rateLimit].length
  for (let i = 0; i < 3; i++) {
    const reply = await app.inject('/each')
    t.match([reply.statusCode, reply.json().code], [500, 'FST_FLOODGATE_LATE_HOOK'])
    t.match(reply.json().message, /before the app is ready/)
  }
  t.equal([...app.rateLimit].length, limiters, 'and no limiter was made')
  t.equal((await app.inject('/once')).statusCode, 200)
  t.equal((await app.inject('/once')).statusCode, 429)
  t.equal((await app.inject('/name')).statusCode, 200, 'a name makes no limiter')
  t.equal(app.rateLimit.define('later', { rate: 1 }).name, 'later', 'nor does it matter to define()')
})

test('a definition that failed leaves its name free', async (t) => {
  const app = await registered(t)
  t.throws(() => app.rateLimit.define('login', { rate: -1 }))
  t.equal(app.rateLimit.has('login'), false)
  t.equal(app.rateLimit.define('login', { rate: 1 }).name, 'login')
})

test('a hook placed by hand charges in addition to what the route asks for', async (t) => {
  const app = await registered(t, { rate: 10, limiters: { login: { rate: 3 } } })
  const preHandler = [app.rateLimit.hook('login'), app.rateLimit.hook('login')]
  app.get('/x', { preHandler }, (request) => request.rateLimit?.decisions.length)
  t.equal((await app.inject('/x')).body, '3')
  t.equal((await app.rateLimit.get('login').peek('127.0.0.1')).remaining, 1)
  t.equal((await app.rateLimit.get('default').peek('127.0.0.1')).remaining, 9)
})

test('a hook placed by hand limits a route that is exempt from all else, and those only where it is placed', async (t) => {
  const app = await registered(t)
  const onRequest = app.rateLimit.hook({ rate: 1, key: 'global' })
  app.get('/x', { onRequest, config: { rateLimit: false } }, () => 'ok')
  app.get('/y', { config: { rateLimit: false } }, () => 'ok')
  t.equal((await app.inject('/x')).statusCode, 200)
  t.equal((await app.inject('/x')).statusCode, 429)
  t.equal((await app.inject('/y')).statusCode, 200)
})

test('two hooks with policies of their own have buckets of their own', async (t) => {
  const app = await registered(t)
  for (const url of ['/x', '/y']) {
    app.get(url, { preValidation: app.rateLimit.hook({ rate: 1 }), config: { rateLimit: false } }, () => 'ok')
  }
  t.equal((await app.inject('/x')).statusCode, 200)
  t.equal((await app.inject('/y')).statusCode, 200)
  t.equal((await app.inject('/x')).statusCode, 429)
})

test('an address under which nobody is counted is refused, with the key of its client', async (t) => {
  const app = await limited({ ...only(1), limiters: { byUser: { ...only(1), key: 'user' } }, keys: { user } })
  const { rateLimit } = app
  for (const [key, counted] of [
    ['2001:DB8::1', '2001:db8::/64'],
    ['10.0.0.0/8', '10.0.0.0'],
  ]) {
    const refused = {
      code: 'FST_FLOODGATE_KEY',
      message: `key is no address as this limiter counts it; allowed: '${counted}': IPv4 is counted by address, and IPv6 by network`,
    }
    t.throws(() => rateLimit.block('default', key, 'hour'), refused)
    t.throws(() => rateLimit.reset('default', key), refused)
    t.throws(() => rateLimit.override('default', key, only(5)), refused)
    t.throws(() => rateLimit.override('default', key, false), refused)
    t.throws(() => rateLimit.get('default').peekEach(key), refused)
    rateLimit.override('default', key, null)
    rateLimit.block('default', counted, 'hour')
    t.match(rateLimit.get('default').peek(counted), { blocked: true })
    // A user may be called like that.
    rateLimit.block('byUser', key, 'hour')
    t.match(rateLimit.get('byUser').peek(key), { blocked: true })
  }
  t.equal(rateLimit.changes().length, 6)
})

test('what another plugin calls rateLimit, in an outer scope, is let be', async (t) => {
  for (const foreign of [{}, () => {}, null, { has: () => true, get: () => undefined }]) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.decorate('rateLimit', foreign as never)
    await app.register(
      async (scope) => {
        await scope.register(rateLimit, { ...only(1), notFound: only(1), key: user })
        scope.get('/', async () => 'ok')
      },
      { prefix: '/api' },
    )
    await app.ready()
    const statuses: number[] = []
    for (const url of ['/api', '/api', '/api/none', '/api/none', '/none', '/none'])
      statuses.push((await app.inject(url)).statusCode)
    t.same(statuses, [200, 429, 404, 429, 404, 404])
  }
})

test('a request.rateLimit of somebody else is an error at registration', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorateRequest('rateLimit', null)
  await t.rejects(Promise.resolve(app.register(rateLimit)), {
    code: 'FST_FLOODGATE_DUPLICATE',
    message: /^request\.rateLimit is there already: another plugin, or another copy of this package/,
  })
})
