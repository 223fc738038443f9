import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, emitted } from '../support/warnings.js'

const user = (request: FastifyRequest) => request.headers['x-user'] as string | undefined

async function limited(t: Test, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  const failing = () => {
    throw new Error('secret-4711')
  }
  const keys = { user, failing, later: async (request: FastifyRequest) => user(request) }
  await app.register(rateLimit, { keys, rate: 1000, burst: 1000, ...options })
  for (const key of ['user', 'failing', 'later']) {
    app.get(`/${key}`, { config: { rateLimit: { key } } }, () => 'ok')
  }
  app.get('/other', { config: { rateLimit: { key: 'user' } } }, () => 'ok')
  return app
}

async function ask(app: FastifyInstance, times: number, url: string, headers: Record<string, string> = {}) {
  for (let i = 0; i < times; i++) await app.inject({ url, headers })
}

const WAYS = [
  ['gives no key', 'user', 'W002'],
  ['promises no key', 'later', 'W002'],
  ['fails', 'failing', 'W003'],
]
for (const [what, key, first] of WAYS) {
  test(`W006: a strategy that ${what} for the first 100 requests of a limiter is suspected, once`, async (t) => {
    const list = emitted(t)
    const app = await limited(t)
    await ask(app, 99, `/${key}`)
    t.same(codes(list), [first])
    await ask(app, 1, `/${key}`)
    t.same(codes(list), [first, 'W006'])
    await ask(app, 150, `/${key}`)
    t.same(codes(list), [first, 'W006'])
    t.match(list[1].message, `limiter GET /${key} had a key: the key strategy ${key} probably`)
    t.notMatch(list[1].message, /secret-4711|127\.0\.0\.1/)
  })
}

test('W006: one key among the first 100 clears the strategy for good', async (t) => {
  const list = emitted(t)
  const app = await limited(t)
  for (const url of ['/user', '/later']) {
    await ask(app, 99, url)
    await ask(app, 1, url, { 'x-user': 'ann' })
    await ask(app, 150, url)
  }
  t.same(codes(list), ['W002', 'W002'])
})

test('W006: limiters of one strategy are judged one by one', async (t) => {
  const list = emitted(t)
  const app = await limited(t)
  await ask(app, 1, '/other', { 'x-user': 'ann' })
  await ask(app, 60, '/other')
  await ask(app, 60, '/user')
  t.same(codes(list), ['W002'])
  await ask(app, 40, '/user')
  t.same(codes(list), ['W002', 'W006'])
  t.match(list[1].message, 'limiter GET /user had')
})

test('W002, W003 and W006 can be switched off, each alone', async (t) => {
  for (const [code, expected] of [
    ['W002', ['W006', 'W003', 'W006']],
    ['W003', ['W002', 'W006', 'W006']],
    ['W006', ['W002', 'W003']],
  ] as const) {
    await t.test(code, async (t) => {
      const list = emitted(t)
      const app = await limited(t, { warnings: { [`FST_FLOODGATE_${code}`]: false } })
      await ask(app, 100, '/user')
      await ask(app, 100, '/failing')
      t.same(codes(list), expected)
    })
  }
})

const NO_KEYS: [unknown, RegExp][] = [
  [undefined, / gave no key for a request.*after the hooks of its route.*not in its handler, or answer 401/],
  [null, / gave no key /],
  ['', / gave no key /],
  [{ id: 'secret-4711' }, / gave an object, which is no key: .*Return a string/],
  [['secret-4711'], / gave a list, which is no key/],
  [() => 'secret-4711', / gave a function, which is no key/],
  [Symbol('secret-4711'), / gave a symbol, which is no key/],
  [Number.NaN, / gave NaN, which is no key/],
  [true, / gave a boolean, which is no key/],
]
for (const [value, message] of NO_KEYS) {
  test(`W002 names the strategy, what it gave and the cure, never the value: ${String(message)}`, async (t) => {
    const list = emitted(t)
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(rateLimit, { key: 'mine', keys: { mine: (() => value) as never }, guard: {} })
    app.get('/', () => 'ok')
    await ask(app, 2, '/')
    t.same(codes(list), ['W002'])
    t.match(list[0].message, /^The key strategy mine gave /)
    t.match(list[0].message, message)
    t.notMatch(list[0].message, /4711/)
  })
}
