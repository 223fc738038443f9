import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, type Emitted, emitted } from '../support/warnings.js'

const ok = async () => 'ok'
const keys = { user: () => 'ann' }
const byUser: RateLimitOptions = { keys, key: 'user' }
const guard = { rate: 1000 }
const route = (rateLimit: unknown): RouteShorthandOptions => ({ config: { rateLimit } as never })

/** What is emitted until an app is ready whose only route, if any, has that config. */
async function atReady(
  t: Test,
  options: RateLimitOptions,
  config?: RouteShorthandOptions,
): Promise<Emitted[]> {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, options)
  if (config !== undefined) app.get('/', config, ok)
  await app.ready()
  return list
}

const OPEN: [string, RateLimitOptions, RouteShorthandOptions][] = [
  ['keyed by a strategy of its own', byUser, {}],
  ['behind a guard that is a shadow', { ...byUser, guard: { rate: 1, enforce: false } }, {}],
  ['keyed by a function', { key: () => 'ann' }, {}],
  ['named in a list of limiters with late keys', byUser, route(['default', { rate: 1, key: 'user' }])],
  [
    'beside a limiter by IP that runs late',
    byUser,
    route(['default', { rate: 1, key: 'ip', hook: 'preHandler' }]),
  ],
]
for (const [what, options, config] of OPEN) {
  test(`W012: a default limiter ${what}, without a guard, leaves guessing unlimited`, async (t) => {
    t.same(codes(await atReady(t, options, config)), ['W012'])
  })
}

const CLOSED: [string, RateLimitOptions, RouteShorthandOptions | undefined][] = [
  ['the default limiter counts by IP', {}, {}],
  ['the default limiter counts by IP, late', { hook: 'preHandler' }, {}],
  ['the default limiter counts all together', { key: 'global' }, {}],
  ['there is a guard', { ...byUser, guard }, {}],
  ['the route has a limiter by IP as well', byUser, route(['default', { rate: 1, key: 'ip' }])],
  ['the route has another limiter', byUser, route({ rate: 1, key: 'ip' })],
  ['the route is exempt', byUser, route(false)],
  ['the route is on the exempt list', { ...byUser, exempt: ['*'] }, {}],
  ['there is no route', byUser, undefined],
  ['it is switched off', { ...byUser, warnings: { FST_FLOODGATE_W012: false } }, {}],
]
for (const [when, options, config] of CLOSED) {
  test(`W012: no warning where ${when}`, async (t) => {
    t.same(codes(await atReady(t, options, config)), [])
  })
}

test('W012 names the key strategy, and comes once however many routes there are', async (t) => {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, byUser)
  for (const url of ['/a', '/b']) app.get(url, ok)
  await app.ready()
  t.equal(list.length, 1)
  t.match(list[0].message, /^The default limiter counts by the key strategy user,/)
})

async function nested(t: Test, outer: RateLimitOptions, inner: RateLimitOptions): Promise<string[]> {
  const list = emitted(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, outer)
  await app.register(async (scope: FastifyInstance) => {
    await scope.register(rateLimit, inner)
    scope.get('/', ok)
  })
  await app.ready()
  return codes(list)
}

test('W012: the guard of an outer registration counts for a nested one', async (t) => {
  t.same(await nested(t, { guard }, byUser), [])
})

test('W012: without any guard the nested registration warns, which has the route', async (t) => {
  t.same(await nested(t, byUser, byUser), ['W012'])
})
