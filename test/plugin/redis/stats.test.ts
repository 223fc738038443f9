import { test } from 'tap'
import { serve, storeOf } from '../../store/redis/one-server.js'
import { countsOf, totals, witness } from '../support/witness.js'
import { ask, limited } from './support.js'

test('counters agree with what clients saw, to the unit: redis', async (t) => {
  const { client } = await serve(t)
  const { seen, stats } = await witness(t, storeOf(client) as never)
  t.same(countsOf(stats), seen)
  const total = totals(seen)
  for (const outcome of ['allowed', 'delayed', 'denied', 'blocked', 'nearLimit', 'units'] as const)
    t.ok(total[outcome] > 0, `${outcome}: ${total[outcome]}`)
  const { store } = stats
  t.match(store, { kind: 'redis', state: 'up', failures: 0, local: 0 })
  t.ok((store.calls as number) > 0)
  const { counts, bounds, sum } = store.durations as NonNullable<typeof store.durations>
  t.equal(counts.length, bounds.length + 1)
  t.equal(
    counts.reduce((sum, count) => sum + count),
    store.calls,
    'each call has a duration',
  )
  t.ok(sum > 0)
})

test('calls that fail are counted, and so are decisions without the store', async (t) => {
  const { app, line } = await limited(t, { rate: 1, burst: 1 }, { timeout: 10_000 })
  app.get('/', async () => 'ok')
  await ask(app, '/')
  t.match(app.rateLimit.stats().store, { calls: 1, failures: 0, local: 0 })
  await line.refuse()
  for (let i = 0; i < 7; i++) await ask(app, '/')
  const { store, limiters } = app.rateLimit.stats()
  t.match(store, { state: 'down', local: 7 })
  t.ok((store.failures as number) >= 5)
  t.match(limiters.default.policies.default, { allowed: 2, denied: 6, units: 2 }, 'local limits count')
})

test('what is allowed without a store counts, and charges no unit', async (t) => {
  const { app, line } = await limited(t, { rate: 1, burst: 1 }, { timeout: 10_000, onStoreFailure: 'allow' })
  app.get('/', async () => 'ok')
  await app.ready()
  await line.refuse()
  for (let i = 0; i < 7; i++) await ask(app, '/')
  t.match(app.rateLimit.stats().limiters.default.policies.default, { allowed: 7, nearLimit: 0, units: 0 })
})

test('what gets a 503 is no decision', async (t) => {
  const { app, line } = await limited(t, { rate: 1, burst: 1 }, { timeout: 10_000, onStoreFailure: 'deny' })
  app.get('/', async () => 'ok')
  await app.ready()
  await line.refuse()
  for (let i = 0; i < 7; i++) await ask(app, '/')
  const { limiters, store } = app.rateLimit.stats()
  t.match(limiters.default.policies.default, { allowed: 0, denied: 0 })
  t.equal(store.local, 0)
})
