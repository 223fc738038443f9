import cors from '@fastify/cors'
import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const EXPOSE = 'access-control-expose-headers'
const ORIGIN = { origin: 'https://example.com' }
const CLASSIC = 'x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset'

/** An app with CORS, loaded before or after the plugin. */
async function crossOrigin(
  t: Test,
  options: RateLimitOptions,
  order: 'cors first' | 'cors last' = 'cors first',
) {
  const app = Fastify()
  t.teardown(() => app.close())
  const plugins = [
    () => app.register(cors, { origin: true, exposedHeaders: ['X-Total'] }),
    () =>
      app.register(rateLimit, {
        rate: 1,
        exposeHeaders: true,
        store: memoryStore({ clock: new ManualClock() }),
        ...options,
      }),
  ]
  for (const register of order === 'cors first' ? plugins : plugins.reverse()) await register()
  app.get('/', async () => 'ok')
  app.get('/free', { config: { rateLimit: false } }, async () => 'ok')
  return app
}

test('the headers are exposed to scripts of other origins, beside what CORS exposes, whichever is loaded first', async (t) => {
  for (const order of ['cors first', 'cors last'] as const) {
    const app = await crossOrigin(t, {}, order)
    const { headers } = await app.inject({ url: '/', headers: ORIGIN })
    t.equal(headers[EXPOSE], `X-Total, ${CLASSIC}`, order)
  }
})

test('on 429 they are exposed too, with Retry-After', async (t) => {
  const app = await crossOrigin(t, { headers: ['draft-11'] })
  await app.inject({ url: '/', headers: ORIGIN })
  const denied = await app.inject({ url: '/', headers: ORIGIN })
  t.equal(denied.statusCode, 429)
  t.equal(denied.headers[EXPOSE], 'X-Total, ratelimit-policy, ratelimit, retry-after')
  t.equal(denied.headers['access-control-allow-origin'], ORIGIN.origin)
})

test('only what is sent is exposed', async (t) => {
  const app = await crossOrigin(t, { headers: [] })
  t.equal((await app.inject({ url: '/', headers: ORIGIN })).headers[EXPOSE], 'X-Total')
  t.equal((await app.inject({ url: '/', headers: ORIGIN })).headers[EXPOSE], 'X-Total, retry-after')
  t.equal((await app.inject({ url: '/free', headers: ORIGIN })).headers[EXPOSE], 'X-Total')
  const off = await crossOrigin(t, { exposeHeaders: false })
  t.equal((await off.inject({ url: '/', headers: ORIGIN })).headers[EXPOSE], 'X-Total')
})

test('preflights pass', async (t) => {
  const app = await crossOrigin(t, {}, 'cors last')
  const headers = { ...ORIGIN, 'access-control-request-method': 'GET' }
  for (let i = 0; i < 5; i++)
    t.equal((await app.inject({ method: 'OPTIONS', url: '/', headers })).statusCode, 204)
})

test('exposeHeaders is true or false', async (t) => {
  await t.rejects(crossOrigin(t, { exposeHeaders: 'yes' as never }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'exposeHeaders' is 'yes'/,
  })
})
