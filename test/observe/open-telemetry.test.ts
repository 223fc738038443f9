import { createNoopMeter } from '@opentelemetry/api'
import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { createLimiter, memoryStore } from '../../lib/index.js'
import { openTelemetry } from '../../lib/metrics.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { newMeter } from './meter.js'

async function appWith(t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  const store = memoryStore({ clock: new ManualClock(), maxKeys: 100 })
  await app.register(rateLimit, { rate: 2, per: 'minute', store })
  app.get('/', async () => 'ok')
  return app
}

const POLICY = { limiter: 'default', policy: 'default' }
const decisions = (outcome: string, labels = {}) =>
  `floodgate_decisions_total ${JSON.stringify({ ...labels, ...POLICY, outcome })}`

test('a collection has every metric, as the counters are now', async (t) => {
  const app = await appWith(t)
  const { meter, reader } = newMeter(t)
  openTelemetry(app.rateLimit, { meter })
  for (const denied of [1, 4]) {
    for (let i = 0; i < 3; i++) await app.inject('/')
    const series = await reader.read()
    t.equal(series.get(decisions('allowed')), 2)
    t.equal(series.get(decisions('denied')), denied)
    t.equal(series.get(`floodgate_units_total ${JSON.stringify(POLICY)}`), 2)
    t.equal(series.get(`floodgate_policy_rate_per_second ${JSON.stringify(POLICY)}`), 2 / 60)
    t.equal(series.get('floodgate_store_up {}'), 1)
    t.equal(series.get('floodgate_store_keys {}'), 1)
  }
})

test('apps of one meter are added up, unless labels keep them apart, until they end it', async (t) => {
  const { meter, reader } = newMeter(t)
  const apps = [await appWith(t), await appWith(t), await appWith(t)]
  const ends = [
    openTelemetry(apps[0].rateLimit, { meter }),
    openTelemetry(apps[1].rateLimit, { meter }),
    openTelemetry(apps[2].rateLimit, { meter, labels: { app: 'c' } }),
  ]
  for (const app of apps) await app.inject('/')
  const series = await reader.read()
  t.equal(series.get(decisions('allowed')), 2)
  t.equal(series.get(decisions('allowed', { app: 'c' })), 1)
  for (const end of ends.slice(1)) end()
  const left = await reader.read()
  t.equal(left.get(decisions('allowed')), 1)
})

test('what is added twice counts once, also when one of the two has ended', async (t) => {
  const { meter, reader } = newMeter(t)
  const app = await appWith(t)
  const end = openTelemetry(app.rateLimit, { meter })
  openTelemetry(app.rateLimit, { meter })
  openTelemetry(app.rateLimit, { meter, labels: { app: 'c' } })
  const counts = async () => {
    await app.inject('/')
    const series = await reader.read()
    return [decisions('allowed'), decisions('allowed', { app: 'c' })].map((name) => series.get(name))
  }
  t.same(await counts(), [1, 1])
  end()
  t.same(await counts(), [2, 2])
})

test('a limiter without HTTP is collected, and a meter that does nothing is fine', async (t) => {
  const { meter, reader } = newMeter(t)
  const bot = createLimiter({ name: 'bot', rate: 1 })
  openTelemetry(bot, { meter })
  openTelemetry(bot, { meter: createNoopMeter() })
  bot.take('somebody')
  const labels = { limiter: 'bot', policy: 'bot', outcome: 'allowed' }
  t.equal((await reader.read()).get(`floodgate_decisions_total ${JSON.stringify(labels)}`), 1)
})

test('a store of somebody else may keep to itself how long its calls take', async (t) => {
  const { meter, reader } = newMeter(t)
  const { store } = lateStore(new ManualClock())
  openTelemetry(createLimiter({ name: 'bot', rate: 1 }, { store }), { meter })
  t.equal((await reader.read()).get('floodgate_store_up {}'), 1)
})

test('what is no meter is an error', async (t) => {
  const app = await appWith(t)
  const refused = (options: unknown, message: string) =>
    t.throws(() => openTelemetry(app.rateLimit, options as never), { code: /^FST_FLOODGATE_/, message })
  refused({ meter: {} }, "option 'meter' is an object; allowed: a meter, such as metrics.getMeter('my-app')")
  refused({ registry: {} }, "unknown option 'registry'; allowed: meter, labels")
  refused(
    { meter: newMeter(t).meter, labels: [] },
    "option 'labels' is an empty list; allowed: an object of strings",
  )
})
