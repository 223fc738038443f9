import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { codes, emitted } from '../support/warnings.js'

/** What two requests for one route are told; the statuses are those of the answers. */
async function warned(
  t: Test,
  route: (app: FastifyInstance) => RouteShorthandOptions,
  options: RateLimitOptions = {},
) {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  let charges = 0
  const store = memoryStore({ clock: new ManualClock() })
  const limiters = {
    login: { rate: 5 },
    once: { rate: 1 },
    free: { rate: 5, cost: () => (charges++ % 2 === 0 ? 1 : 0) },
  }
  const keys = { route: () => 'ann' }
  await app.register(rateLimit, { store, keys, limiters, ...options })
  app.get('/', route(app), () => 'ok')
  for (const name of Object.keys(limiters)) app.rateLimit.get(name)
  const statuses: number[] = []
  for (let i = 0; i < 2; i++) statuses.push((await app.inject('/')).statusCode)
  return { list, statuses }
}

const config = (rateLimit: unknown) => ({ rateLimit }) as RouteShorthandOptions['config']

test('W007: a hook for the limiter that the config charged already warns once, without the key', async (t) => {
  const { list } = await warned(t, (app) => ({
    preHandler: app.rateLimit.hook('login'),
    config: config('login'),
  }))
  t.same(codes(list), ['W007'])
  t.match(list[0].message, /^The limiter login charged/)
  t.notMatch(list[0].message, '127.0.0.1')
})

test('W007: the hook may come first, and the config charge again', async (t) => {
  const { list } = await warned(t, (app) => ({
    onRequest: app.rateLimit.hook('login'),
    config: config(() => 'login'),
  }))
  t.same(codes(list), ['W007'])
})

test('W007 is also emitted where the second charge is denied', async (t) => {
  const { list, statuses } = await warned(t, (app) => ({
    preHandler: app.rateLimit.hook('once'),
    config: config('once'),
  }))
  t.same(statuses, [429, 429])
  t.same(codes(list), ['W007'])
})

const SOUND: [string, (app: FastifyInstance) => RouteShorthandOptions][] = [
  ['two limiters that count one key', () => ({ config: config(['default', 'login']) })],
  [
    'a hook for another limiter',
    (app) => ({ preHandler: app.rateLimit.hook('login'), config: config('default') }),
  ],
  [
    'a second charge of nothing',
    (app) => ({ preHandler: app.rateLimit.hook('free'), config: config('free') }),
  ],
  [
    'a first charge that was given back',
    (app) => ({
      preHandler: [async (request) => request.rateLimit?.refund(), app.rateLimit.hook('login')],
      config: config('login'),
    }),
  ],
  [
    'take() in the handler',
    () => ({ preHandler: async (request) => void request.rateLimit?.take(), config: config('login') }),
  ],
]
for (const [what, route] of SOUND) {
  test(`W007: no warning of ${what}`, async (t) => {
    t.same(codes((await warned(t, route, { guard: { rate: 100 } })).list), [])
  })
}

test('W007: one limiter, two keys: no warning', async (t) => {
  let n = 0
  const limiters = { login: { rate: 5, key: () => `user-${n++}` }, once: {}, free: {} }
  const route = (app: FastifyInstance) => ({
    preHandler: app.rateLimit.hook('login'),
    config: config('login'),
  })
  const { list } = await warned(t, route, { limiters })
  t.same(codes(list), [])
})

test('W007 can be switched off', async (t) => {
  const route = (app: FastifyInstance) => ({
    preHandler: app.rateLimit.hook('login'),
    config: config('login'),
  })
  const { list } = await warned(t, route, { warnings: { FST_FLOODGATE_W007: false } })
  t.same(codes(list), [])
})
