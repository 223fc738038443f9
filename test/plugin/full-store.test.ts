import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../lib/index.js'
import { codes, emitted } from './support/warnings.js'

/**
 * The codes of what apps over one full store warn of, once each of them has denied three clients; and the
 * store.
 */
async function warningsOf(t: Test, ...settings: Omit<RateLimitOptions, 'store'>[]) {
  const list = emitted(t)
  const store = memoryStore({ maxKeys: 1 })
  for (const options of settings) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(rateLimit, { rate: 1, per: 'day', ...options, store })
    app.get('/', async () => 'ok')
    for (const remoteAddress of ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
      for (const statusCode of [200, 429])
        t.match(await app.inject({ url: '/', remoteAddress }), { statusCode })
  }
  return { codes: codes(list), store }
}

test('W013: a denied key that a full store forgets is told once', async (t) => {
  t.same((await warningsOf(t, {})).codes, ['W013'])
  t.same((await warningsOf(t, {}, {})).codes, ['W013'], 'by the store, not by each registration')
})

test('W013 can be switched off', async (t) => {
  t.same((await warningsOf(t, { warnings: { FST_FLOODGATE_W013: false } })).codes, [])
  t.same((await warningsOf(t, { warnings: false })).codes, [])
})

test('W013: an app that is closed listens to its store no more', async (t) => {
  const list = emitted(t)
  const store = memoryStore({ maxKeys: 1 })
  const app = Fastify()
  await app.register(rateLimit, { store, warnings: false })
  await app.close()
  const other = Fastify()
  t.teardown(() => other.close())
  await other.register(rateLimit, { rate: 1, per: 'day', store })
  other.get('/', async () => 'ok')
  for (const remoteAddress of ['10.0.0.1', '10.0.0.2'])
    for (let i = 0; i < 2; i++) await other.inject({ url: '/', remoteAddress })
  t.same(codes(list), ['W013'])
})
