import Fastify from 'fastify'
import { Registry } from 'prom-client'
import { test } from 'tap'
import rateLimit, { createLimiter, type RateLimitOptions } from '../../../lib/index.js'
import { openTelemetry, prometheus } from '../../../lib/metrics.js'
import { ask, limited } from '../../plugin/redis/support.js'
import { serve, storeOf } from '../../store/redis/one-server.js'
import { newMeter } from '../meter.js'
import { seriesOf } from '../series.js'

const DURATION = 'floodgate_store_call_duration_seconds'

test('calls of Redis are a histogram, in Prometheus and in OpenTelemetry', async (t) => {
  const { client } = await serve(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { rate: 100, burst: 100, store: storeOf(client) } as RateLimitOptions)
  app.get('/', async () => 'ok')
  const registry = new Registry()
  const { meter, reader } = newMeter(t)
  prometheus(app.rateLimit, { registry })
  openTelemetry(app.rateLimit, { meter })
  for (let i = 0; i < 10; i++) await app.inject('/')

  const { calls, durations } = app.rateLimit.stats().store
  const series = await seriesOf(registry)
  t.equal(calls, 10)
  t.equal(series.get(`${DURATION}_count`), calls)
  t.equal(series.get(`${DURATION}_sum`), durations?.sum)
  t.equal(series.get(`${DURATION}_bucket{le="+Inf"}`), calls)
  t.equal(series.get('floodgate_store_failures_total'), 0)
  t.notOk(series.has('floodgate_store_keys'), 'Redis says nothing of keys')
  const buckets = [...series].filter(([name]) => name.startsWith(`${DURATION}_bucket`))
  t.equal(buckets.length, 12)
  t.same(
    buckets.map(([, count]) => count),
    buckets.map(([, count]) => count).sort((a, b) => a - b),
    'each bucket holds those before it',
  )
  const { buckets: told, count, sum } = (await reader.read()).get(`${DURATION} {}`) as Histogram
  t.same(told, { boundaries: durations?.bounds, counts: durations?.counts })
  t.equal(count, calls)
  t.ok(Math.abs(sum - (durations?.sum as number)) < 1e-9)
})

test('the calls of two stores in one registry are one histogram', async (t) => {
  const { client } = await serve(t)
  const registry = new Registry()
  for (const name of ['one', 'two']) {
    const limiter = createLimiter({ name, rate: 100, burst: 100 }, { store: storeOf(client) })
    prometheus(limiter, { registry })
    for (let i = 0; i < 3; i++) await limiter.take(`key ${i}`)
  }
  t.equal((await seriesOf(registry)).get(`${DURATION}_count`), 6)
})

interface Histogram {
  readonly buckets: object
  readonly count: number
  readonly sum: number
}

test('calls that fail are counted, and a store that is away is down', async (t) => {
  const { app, line } = await limited(t, { rate: 1, burst: 1 }, { timeout: 10_000 })
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  app.get('/', async () => 'ok')
  await ask(app, '/')
  t.equal((await seriesOf(registry)).get('floodgate_store_up'), 1)
  await line.refuse()
  for (let i = 0; i < 7; i++) await ask(app, '/')
  const series = await seriesOf(registry)
  t.equal(series.get('floodgate_store_up'), 0)
  t.ok((series.get('floodgate_store_failures_total') as number) >= 5)
})

test('a store that sources share is heard once for each set of labels, until the last of them ends', async (t) => {
  const { client } = await serve(t)
  const store = storeOf(client)
  const [a, b] = ['a', 'b'].map((name) => createLimiter({ name, rate: 100 }, { store }))
  const { meter, reader } = newMeter(t)
  const ends = [
    openTelemetry(a, { meter }),
    openTelemetry(b, { meter }),
    openTelemetry(b, { meter, labels: { app: 'b' } }),
  ]
  const count = async (labels: object) => {
    const series = await reader.read()
    return (series.get(`${DURATION} ${JSON.stringify(labels)}`) as Histogram).count
  }
  await a.take('somebody')
  t.equal(await count({}), 1)
  t.equal(await count({ app: 'b' }), 1)
  ends[0]()
  await a.take('somebody')
  t.equal(await count({}), 2, 'b goes on')
  ends[1]()
  await a.take('somebody')
  t.equal(await count({}), 2)
  t.equal(await count({ app: 'b' }), 3)
})
