import Fastify from 'fastify'
import fastifyMetrics from 'fastify-metrics'
import { AggregatorRegistry, Counter, Registry } from 'prom-client'
import { type Test, test } from 'tap'
import rateLimit, { createLimiter, memoryStore, type RateLimitOptions } from '../../lib/index.js'
import type { LimitsSource } from '../../lib/limits.js'
import { prometheus } from '../../lib/metrics.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { seriesOf } from './series.js'

function frozenStore(maxKeys = 100) {
  return memoryStore({ clock: new ManualClock(), maxKeys })
}

/** An app whose requests are denied after two, on a clock that stands still. */
async function appWith(t: Test, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { rate: 2, per: 'minute', store: frozenStore(), ...options })
  app.get('/', async () => 'ok')
  return app
}

async function ask(app: Awaited<ReturnType<typeof appWith>>, times: number) {
  for (let i = 0; i < times; i++) await app.inject('/')
}

test('the text of a scrape has every metric, with its help and its type', async (t) => {
  const app = await appWith(t, { block: '1 hour' })
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  await ask(app, 4)
  const text = await registry.metrics()
  const policy = 'limiter="default",policy="default"'
  for (const line of [
    '# TYPE floodgate_decisions_total counter',
    `floodgate_decisions_total{${policy},outcome="allowed"} 2`,
    `floodgate_decisions_total{${policy},outcome="delayed"} 0`,
    `floodgate_decisions_total{${policy},outcome="denied"} 0`,
    `floodgate_decisions_total{${policy},outcome="blocked"} 2`,
    `floodgate_decisions_total{${policy},outcome="shadow_denied"} 0`,
    `floodgate_near_limit_total{${policy}} 1`,
    `floodgate_units_total{${policy}} 2`,
    '# TYPE floodgate_policy_limit gauge',
    `floodgate_policy_limit{${policy}} 2`,
    `floodgate_policy_rate_per_second{${policy}} ${2 / 60}`,
    'floodgate_waiting_requests 0',
    'floodgate_store_up 1',
    'floodgate_store_keys 1',
    'floodgate_store_max_keys 100',
    '# TYPE floodgate_store_forgotten_total counter',
    'floodgate_store_forgotten_total 0',
    '# TYPE floodgate_store_call_duration_seconds histogram',
  ])
    t.ok(text.split('\n').includes(line), line)
  t.notMatch(text, /127\.0\.0\.1/, 'no key')
  t.equal(await seriesOf(registry, 'floodgate_store_failures_total').then(({ size }) => size), 0)
})

test('what is added to a registry twice counts once', async (t) => {
  const app = await appWith(t)
  const registry = new Registry()
  for (let i = 0; i < 2; i++) prometheus(app.rateLimit, { registry })
  await ask(app, 2)
  const policy = 'limiter="default",policy="default"'
  t.match(await registry.metrics(), `floodgate_decisions_total{${policy},outcome="allowed"} 2\n`)
})

test('what a shadow would deny is an outcome of its own', async (t) => {
  const app = await appWith(t, { enforce: false })
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  await ask(app, 5)
  const lines = (await registry.metrics()).split('\n')
  const policy = 'limiter="default",policy="default"'
  for (const line of [
    `floodgate_decisions_total{${policy},outcome="allowed"} 2`,
    `floodgate_decisions_total{${policy},outcome="denied"} 0`,
    `floodgate_decisions_total{${policy},outcome="shadow_denied"} 3`,
    `floodgate_units_total{${policy}} 2`,
  ])
    t.ok(lines.includes(line), line)
})

test('overrides and the documents of a source of limits are metrics', async (t) => {
  const limits: LimitsSource = {
    start: async (apply, report) => {
      apply('{ "overrides": [{ "limiter": "default", "key": "acme", "policy": false }] }')
      report(new Error('gone'))
    },
    stop: () => {},
  }
  const app = await appWith(t, { limits })
  await app.ready()
  app.rateLimit.get('default').take('acme')
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  const text = (await registry.metrics()).split('\n')
  for (const line of [
    'floodgate_overrides 1',
    'floodgate_overrides_used 1',
    'floodgate_limits_reloads_total{result="ok"} 1',
    'floodgate_limits_reloads_total{result="invalid"} 0',
    'floodgate_limits_reloads_total{result="unreadable"} 1',
  ])
    t.ok(text.includes(line), line)
})

test('a scrape reads the counters as they are now', async (t) => {
  const app = await appWith(t)
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  const denied = 'floodgate_decisions_total{limiter="default",policy="default",outcome="denied"}'
  for (const count of [0, 3, 4]) {
    await ask(app, count === 0 ? 0 : count === 3 ? 5 : 1)
    t.equal((await seriesOf(registry)).get(denied), count)
  }
  registry.resetMetrics()
  t.equal((await seriesOf(registry)).get(denied), 4, 'a reset of the registry forgets none')
})

test('units in progress have no rate', async (t) => {
  const app = await appWith(t, { limiters: { busy: { algorithm: 'concurrency', limit: 3 } } })
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  const series = await seriesOf(registry)
  t.equal(series.get('floodgate_policy_limit{limiter="busy",policy="busy"}'), 3)
  t.notOk(series.has('floodgate_policy_rate_per_second{limiter="busy",policy="busy"}'))
})

test('apps of one registry are added up, unless labels keep them apart', async (t) => {
  const registry = new Registry()
  const [a, b, c] = [await appWith(t), await appWith(t, { rate: 5 }), await appWith(t)]
  prometheus(a.rateLimit, { registry })
  prometheus(b.rateLimit, { registry })
  prometheus(c.rateLimit, { registry, labels: { app: 'c' } })
  await ask(a, 3)
  await ask(b, 3)
  await ask(c, 1)
  const policy = 'limiter="default",policy="default"'
  const series = await seriesOf(registry)
  t.equal(series.get(`floodgate_decisions_total{${policy},outcome="allowed"}`), 5)
  t.equal(series.get(`floodgate_decisions_total{${policy},outcome="denied"}`), 1)
  t.equal(series.get(`floodgate_decisions_total{app="c",${policy},outcome="allowed"}`), 1)
  t.equal(series.get(`floodgate_policy_limit{${policy}}`), 5, 'the larger')
  t.equal(series.get('floodgate_store_up'), 1)
  t.equal(series.get('floodgate_store_keys'), 2)
  t.equal(series.get('floodgate_store_keys{app="c"}'), 1)
})

test('a store that apps share is counted once, and limiters without HTTP are collected, too', async (t) => {
  const registry = new Registry()
  const store = frozenStore()
  const app = await appWith(t, { store })
  const bot = createLimiter({ name: 'bot', rate: 1 }, { store })
  for (const source of [app.rateLimit, bot]) prometheus(source, { registry })
  prometheus(bot, { registry, labels: { app: 'bot' } })
  await ask(app, 1)
  bot.take('somebody')
  bot.take('somebody')
  const series = await seriesOf(registry)
  t.equal(series.get('floodgate_decisions_total{limiter="default",policy="default",outcome="allowed"}'), 1)
  t.equal(series.get('floodgate_decisions_total{limiter="bot",policy="bot",outcome="denied"}'), 1)
  t.equal(series.get('floodgate_store_keys'), 2)
  t.equal(series.get('floodgate_store_keys{app="bot"}'), 2)
})

test('the returned function ends the collection, as a hook of the app, too', async (t) => {
  const registry = new Registry()
  const [a, b] = [await appWith(t), await appWith(t)]
  a.addHook('onClose', prometheus(a.rateLimit, { registry }))
  prometheus(b.rateLimit, { registry })
  await ask(a, 1)
  await ask(b, 1)
  const allowed = 'floodgate_decisions_total{limiter="default",policy="default",outcome="allowed"}'
  t.equal((await seriesOf(registry)).get(allowed), 2)
  await a.close()
  t.equal((await seriesOf(registry)).get(allowed), 1)
})

test('a registry that was cleared forgets the apps of before', async (t) => {
  const registry = new Registry()
  const [a, b] = [await appWith(t), await appWith(t)]
  prometheus(a.rateLimit, { registry })
  await ask(a, 1)
  registry.clear()
  prometheus(b.rateLimit, { registry })
  await ask(b, 1)
  const allowed = 'floodgate_decisions_total{limiter="default",policy="default",outcome="allowed"}'
  t.equal((await seriesOf(registry)).get(allowed), 1)
})

test('fastify-metrics serves them beside its own', async (t) => {
  const app = await appWith(t)
  await app.register(fastifyMetrics.default, { endpoint: null })
  const { register: registry } = app.metrics.client
  t.teardown(() => registry.clear())
  prometheus(app.rateLimit, { registry })
  app.get('/metrics', { config: { rateLimit: false } }, () => registry.metrics())
  app.get('/seen', async () => 'ok')
  for (let i = 0; i < 3; i++) await app.inject('/seen')
  const { body } = await app.inject('/metrics')
  t.match(body, 'floodgate_decisions_total{limiter="default",policy="default",outcome="denied"} 1\n')
  t.match(body, 'http_request_duration_seconds_count{method="GET",route="/seen",status_code="200"} 2\n')
})

test('OpenMetrics has the same series', async (t) => {
  const app = await appWith(t)
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  prometheus(app.rateLimit, { registry })
  await ask(app, 3)
  for (let scrape = 0; scrape < 2; scrape++) {
    const text = await registry.metrics()
    t.match(text, '# TYPE floodgate_decisions counter\n')
    t.match(text, 'floodgate_decisions_total{limiter="default",policy="default",outcome="denied"} 1\n')
    t.match(text, /# EOF\n$/)
  }
})

test('processes of a cluster are added up', async (t) => {
  const all = []
  for (const times of [3, 1]) {
    const app = await appWith(t)
    const registry = new Registry()
    prometheus(app.rateLimit, { registry })
    await ask(app, times)
    all.push(await registry.getMetricsAsJSON())
  }
  const series = await seriesOf(AggregatorRegistry.aggregate(all))
  t.equal(series.get('floodgate_decisions_total{limiter="default",policy="default",outcome="allowed"}'), 3)
  t.equal(series.get('floodgate_policy_limit{limiter="default",policy="default"}'), 2)
})

test('a name that the registry knows already is an error, and so is what is no registry or source', async (t) => {
  const app = await appWith(t)
  const registry = new Registry()
  new Counter({ name: 'floodgate_units_total', help: 'of somebody else', registers: [registry] })
  t.throws(() => prometheus(app.rateLimit, { registry }), { message: /floodgate_units_total/ })
  const refused = (source: unknown, options: unknown, message: string) =>
    t.throws(() => prometheus(source as never, options as never), { code: /^FST_FLOODGATE_/, message })
  const fine = { registry: new Registry() }
  refused(app, fine, "option 'source' is an object; allowed: app.rateLimit, or a limiter of createLimiter()")
  refused(undefined, fine, "option 'source' is undefined; allowed: app.rateLimit")
  refused(
    app.rateLimit,
    {},
    "option 'registry' is undefined; allowed: a registry, such as prom-client's register",
  )
  refused(app.rateLimit, { registry: { registerMetric() {} } }, "option 'registry' is an object")
  refused(app.rateLimit, { ...fine, prefix: 'a_' }, "unknown option 'prefix'; allowed: registry, labels")
  refused(app.rateLimit, { ...fine, labels: null }, "option 'labels' is null; allowed: an object of strings")
  refused(app.rateLimit, { ...fine, labels: { app: 1 } }, "option 'labels.app' is 1; allowed: a string")
  for (const name of ['le', 'limiter', 'a-b', '1a', ''])
    refused(
      app.rateLimit,
      { ...fine, labels: { [name]: 'x' } },
      `option 'labels.${name}' is 'x'; allowed: names`,
    )
})
