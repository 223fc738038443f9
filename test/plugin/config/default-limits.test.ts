import Fastify, { type FastifyRequest } from 'fastify'
import { test } from 'tap'
import rateLimit, { ipKey, type RateLimitOptions } from '../../../lib/index.js'
import { ask, CLIENT, frozenStore, left, limited, ok, only, user } from '../support/app.js'
import { codes, emitted } from '../support/warnings.js'

const OPTIONS: RateLimitOptions = { ...only(9), limiters: { free: only(1), pro: only(3) }, keys: { user } }

test('with `rateLimit: false` only the routes that ask for it are limited', async (t) => {
  const app = await limited({ ...OPTIONS, rateLimit: false })
  app.get('/free', ok)
  app.get('/limited', { config: { rateLimit: 'free' } }, ok)
  app.get('/default', { config: { rateLimit: 'default' } }, ok)
  t.same(await ask(app, 'GET /free', 'GET /limited', 'GET /limited', 'GET /default', 'GET /none'), [
    '200 -',
    '200 0',
    '429 0',
    '200 8',
    '404 -',
  ])
})

test('the guard sees no request of a route that `rateLimit: false` exempts', async (t) => {
  const app = await limited({ rateLimit: false, guard: only(1) })
  app.get('/free', ok)
  app.get('/limited', { config: { rateLimit: 'default' } }, ok)
  t.same(await ask(app, 'GET /free', 'GET /limited', 'GET /limited', 'GET /free'), [
    '200 -',
    '200 0',
    '429 0',
    '200 -',
  ])
})

const FORMS: [what: string, form: RateLimitOptions['rateLimit'], answers: string[]][] = [
  ['a name', 'free', ['200 0', '429 0', '429 0']],
  ['a policy', only(2), ['200 1', '200 0', '429 0']],
  ['a list', ['pro', only(2)], ['200 1', '200 0', '429 0']],
  ['a function', () => only(2), ['200 1', '200 0', '429 0']],
  ['a function of a name', () => 'free', ['200 0', '429 0', '429 0']],
]

for (const [what, form, answers] of FORMS) {
  test(`${what} as \`rateLimit\` is shared by the routes without a config, and not by others`, async (t) => {
    const app = await limited({ ...OPTIONS, rateLimit: form })
    app.get('/a', ok)
    app.get('/b', ok)
    app.get('/own', { config: { rateLimit: 'default' } }, ok)
    t.same(await ask(app, 'GET /a', 'GET /b', 'GET /a'), answers)
    t.same(await ask(app, 'GET /own'), ['200 8'])
  })

  test(`${what} as \`notFound\` limits 404s, and no route`, async (t) => {
    const app = await limited({ ...OPTIONS, notFound: form })
    app.get('/a', ok)
    const found = answers.map((answer) => answer.replace('200', '404'))
    t.same(await ask(app, 'GET /x', 'GET /y', 'GET /z'), found)
    t.same(await ask(app, 'GET /a'), ['200 8'])
  })
}

test('with `notFound: false` 404s are free, also in a handler of their own', async (t) => {
  const app = await limited({ ...OPTIONS, notFound: false })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing here'))
  t.same(await ask(app, 'GET /x', 'GET /y'), ['404 -', '404 -'])
  t.equal(left(app), 9)
})

test('a 404 handler with a config of its own obeys that', async (t) => {
  const app = await limited({ ...OPTIONS, key: 'user', notFound: { ...only(1), key: 'ip' }, warnings: false })
  t.same(await ask(app, 'GET /x', 'GET /y'), ['404 0', '429 0'], 'the default limiter is not keyed by IP')
})

const WRONG: [option: string, value: unknown][] = [
  ['rateLimit', 'nope'],
  ['rateLimit', 1],
  ['rateLimit', null],
  ['rateLimit', []],
  ['rateLimit', ['guard']],
  ['rateLimit', { rate: -1 }],
  ['notFound', 'nope'],
  ['notFound', true],
  ['notFound', [{ rate: -1 }]],
]

for (const [option, value] of WRONG) {
  test(`the option ${option} refuses ${JSON.stringify(value)} at registration`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(
      Promise.resolve(app.register(rateLimit, { guard: only(9), [option]: value } as RateLimitOptions)),
      { code: /^FST_FLOODGATE_/, message: new RegExp(option) },
    )
  })
}

test('keyOf() returns the key that would be counted, and null before it is known', async (t) => {
  const list = emitted(t)
  const seen: unknown[] = []
  const app = await limited({
    ...only(9),
    warnings: { FST_FLOODGATE_W005: false },
    limiters: {
      user: { ...only(9), key: (request) => request.headers['x-user'] as string },
      later: { ...only(9), key: async (request) => request.headers['x-user'] as string },
    },
  })
  const look = async (request: FastifyRequest) => {
    for (const limiter of ['default', 'user', 'later']) seen.push(await app.rateLimit.keyOf(request, limiter))
  }
  app.get('/', { onRequest: look, config: { rateLimit: 'user' } }, async (request) => {
    seen.push(app.rateLimit.keyOf(request), app.rateLimit.keyOf(request, 'user'))
    return 'ok'
  })
  await app.inject({ url: '/', headers: { 'x-user': 'ann' } })
  t.same(seen.splice(0), ['127.0.0.1', 'ann', 'ann', '127.0.0.1', 'ann'])
  t.same(codes(list), [])
  await app.inject('/')
  t.same(seen, ['127.0.0.1', null, null, '127.0.0.1', '127.0.0.1'], 'then the IP was counted')
  t.same(codes(list), ['W002'])
  t.throws(() => app.rateLimit.keyOf({} as FastifyRequest, 'nope'), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' })
})

test("ipKey() is the key under which 'ip' counts an address", async (t) => {
  const app = await limited(only(9))
  app.get('/', async (request) => request.rateLimit?.key)
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:1:2:3:4:5:6', '::1'])
    t.equal((await app.inject({ url: '/', remoteAddress: address })).body, ipKey(address), address)
  t.equal(ipKey('2001:db8:1:2:3:4:5:6', 48), '2001:db8:1::/48')
})

test('keyOf() of an outer registration does not return the key of a limiter of the same name in a nested one', async (t) => {
  const app = await limited({ key: 'global' })
  await app.register(async (scope) => {
    await scope.register(rateLimit, { key: 'ip', store: frozenStore() })
    scope.get('/', async (request) => [app.rateLimit.keyOf(request), scope.rateLimit.keyOf(request)])
  })
  t.same((await app.inject('/')).json(), ['global', CLIENT])
})

test('a warning says which option has the function that returned something wrong', async (t) => {
  const list = emitted(t)
  const app = await limited({ rateLimit: () => ({ rate: -1 }), notFound: () => 'nope' })
  app.get('/', ok)
  app.get('/own', { config: { rateLimit: () => 'nope' } }, ok)
  for (const url of ['/', '/x', '/own']) await app.inject(url)
  t.match(
    list.map(({ message }) => message),
    [
      /^The function in the option rateLimit returned/,
      /^The function in the option notFound /,
      /^The function in config.rateLimit of the route \/own /,
    ],
  )
})
