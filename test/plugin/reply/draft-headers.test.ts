import Fastify from 'fastify'
import { parseRateLimit } from 'ratelimit-header-parser'
import { parseList } from 'structured-headers'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

/** An app that limits `/` as told, with a clock that stands still. */
async function limited(t: Test, options: RateLimitOptions, config: object = {}) {
  const clock = new ManualClock()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: memoryStore({ clock }), headers: ['draft-11'], ...options })
  app.get('/', { config }, async () => 'ok')
  return { app, clock, get: async () => (await app.inject('/')).headers }
}

test('RateLimit-Policy and RateLimit are sent alone, or beside the X-RateLimit headers', async (t) => {
  const alone = await (await limited(t, {})).get()
  t.match(alone, { 'ratelimit-policy': '"default";q=10;w=6', ratelimit: '"default";r=9;t=1' })
  t.notOk('x-ratelimit-limit' in alone)
  const both = await (await limited(t, { headers: ['x-ratelimit', 'draft-11'] })).get()
  t.match(both, { ratelimit: '"default";r=9;t=1', 'x-ratelimit-remaining': '9' })
})

test('on success all policies are listed, the tightest first', async (t) => {
  const { get } = await limited(
    t,
    { guard: { rate: 1000, per: 'minute', burst: 100 } },
    { rateLimit: ['default', { name: 'hourly', algorithm: 'sliding-window', rate: 3, per: 'hour' }] },
  )
  const headers = await get()
  t.equal(headers['ratelimit-policy'], '"hourly";q=3;w=3600, "guard";q=100;w=6, "default";q=10;w=6')
  t.equal(headers.ratelimit, '"hourly";r=2;t=3600, "guard";r=99;t=1, "default";r=9;t=1')
})

test('on a denial only the policies that denied are listed, so that t agrees with Retry-After', async (t) => {
  const { get } = await limited(
    t,
    { burst: 2 },
    { rateLimit: ['default', { name: 'hourly', algorithm: 'sliding-window', rate: 1, per: 'hour' }] },
  )
  await get()
  const headers = await get()
  t.equal(headers['ratelimit-policy'], '"hourly";q=1;w=3600')
  t.equal(headers.ratelimit, '"hourly";r=0;t=3600')
  t.equal(headers['retry-after'], '3600')
})

test('t counts down to the next unit, of a bucket and of a window', async (t) => {
  const slow = await limited(t, { rate: 6, per: 'minute', burst: 2 })
  await slow.get()
  slow.clock.advance(4000)
  t.equal((await slow.get()).ratelimit, '"default";r=0;t=6', 'a unit each 10 s, 4 s of it over')
  const window = await limited(t, { algorithm: 'sliding-window', rate: 3, per: 'minute' })
  await window.get()
  window.clock.advance(20_000)
  t.equal((await window.get()).ratelimit, '"default";r=1;t=40', 'the oldest leaves 60 s after it came')
})

test('a conforming parser reads the headers of a reply whose policies have odd names', async (t) => {
  const { get } = await limited(t, {}, { rateLimit: [{ name: 'a "b" \\ c, d;e=1', rate: 5 }, 'default'] })
  const headers = await get()
  t.same(
    parseList(headers.ratelimit as string).map(([name]) => name),
    ['a "b" \\ c, d;e=1', 'default'],
  )
  t.same(
    parseList(headers['ratelimit-policy'] as string).map(([name]) => name),
    ['a "b" \\ c, d;e=1', 'default'],
  )
})

test('a policy whose name no Structured Field String can hold is refused at registration', async (t) => {
  await t.rejects(limited(t, { limiters: { x: { name: 'naïve' } } }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'limiters\.x\.name' is 'naïve'; allowed: .*printable ASCII/,
  })
})

test('ratelimit-header-parser reads our X-RateLimit headers', async (t) => {
  const headers = await (await limited(t, { headers: ['x-ratelimit'] })).get()
  const info = parseRateLimit(headers as never, { reset: 'seconds' })
  t.match(info, { limit: 10, used: 1, remaining: 9 })
  const ahead = Number(info?.reset) - Date.now()
  t.ok(ahead <= 1000, 'a duration of 1 s')
})

test('ratelimit-header-parser 0.1.0 lags behind draft-11: it looks for limit=, remaining= and reset= in RateLimit', async (t) => {
  const headers = await (await limited(t, {})).get()
  const info = parseRateLimit(headers as never)
  t.ok(Number.isNaN(info?.limit) && Number.isNaN(info?.remaining))
})
