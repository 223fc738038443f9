import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { redisStore } from '../../../lib/redis.js'
import { until } from '../../fixtures/redis/until.js'
import { serve } from '../../store/redis/one-server.js'
import { codes, emitted } from '../support/warnings.js'

/** What apps over one store warn of, the store of a server that forgets keys in use, after a request each. */
async function warningsOf(t: Test, ...settings: RateLimitOptions[]): Promise<string[]> {
  const config = { maxmemory: '100mb', 'maxmemory-policy': 'volatile-lru' }
  const { client } = await serve(t, { config })
  const list = emitted(t)
  const store = redisStore({ client, timeout: 10_000 })
  const apps = settings.map(() => Fastify())
  for (const [i, app] of apps.entries()) {
    t.teardown(() => app.close())
    await app.register(rateLimit, { store, ...settings[i] } as RateLimitOptions)
    app.get('/', async () => 'ok')
  }
  let answered = false
  store.onWarning?.(() => {
    answered = true
  })
  for (const app of apps) {
    for (let i = 0; i < 3; i++) t.equal((await app.inject('/')).statusCode, 200)
  }
  await until('the answer of the server', () => answered)
  return codes(list)
}

test('a server that forgets keys in use is warned of once by each registration that wants it', async (t) => {
  t.same(await warningsOf(t, {}), ['W008'])
  t.same(await warningsOf(t, { warnings: { FST_FLOODGATE_W001: false } }, {}), ['W008', 'W008'])
})

test('and by none that does not', async (t) => {
  t.same(await warningsOf(t, { warnings: false }), [])
  t.same(await warningsOf(t, { warnings: { FST_FLOODGATE_W008: false } }, {}), ['W008'])
})
