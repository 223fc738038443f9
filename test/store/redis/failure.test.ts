import { type Test, test } from 'tap'
import { createLimiter } from '../../../lib/index.js'
import type { RedisStoreOptions } from '../../../lib/store/redis/options.js'
import type { AsyncStore } from '../../../types/index.js'
import { startProxy } from '../../fixtures/redis/proxy.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { until } from '../../fixtures/redis/until.js'
import { clientOf, limiterOf, storeOf } from './one-server.js'

const BUCKET = { name: 'bucket', rate: 1, per: 'hour', burst: 4 } as const
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 8, per: 'hour' } as const

/** A store behind a line that can be clogged, with a short wait. */
async function clogged(t: Test, options: Partial<RedisStoreOptions> = {}) {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const client = await clientOf(t, line)
  const store = storeOf(client, { timeout: 50, ...options })
  t.teardown(store.onStateChange(() => {}))
  await answers(store)
  return { server, line, client, store }
}

/** Until the store has answered, as the first call may not in so short a time. */
const answers = (store: AsyncStore, name = 'probe') => {
  const limiter = createLimiter({ name }, { store })
  return until('the store to answer', async () => {
    const decision = await limiter.take('probe').catch(() => ({ source: 'failed' }))
    return decision.source === undefined
  })
}

test('a call waits for as long as the timeout says, and no longer', async (t) => {
  const { line, store } = await clogged(t)
  const limiter = limiterOf(store, BUCKET)
  line.blackhole()
  const start = performance.now()
  t.match(await limiter.take('key'), { source: 'local' })
  const waited = performance.now() - start
  t.ok(waited >= 49, `${waited} ms`)
  t.ok(waited < 10_000, `${waited} ms`)
})

test("the local limits are the policy's, divided among the instances, and say that they are local", async (t) => {
  const { server, line, store } = await clogged(t, { instances: 4, prefix: 'shared' })
  const limiter = limiterOf(store, BUCKET, WINDOW)
  const patient = storeOf(await clientOf(t, server), { prefix: 'shared' })
  await limiterOf(patient, BUCKET, WINDOW).take('key', { cost: 4 })
  line.blackhole()
  const first = await limiter.take('key')
  t.match(first, { allowed: true, source: 'local', policy: 'bucket', limit: 4, remaining: 0 })
  const denied = await limiter.take('key')
  t.match(denied, { allowed: false, source: 'local', violated: ['bucket'] })
  const { retryAfter } = denied as { retryAfter: number }
  t.ok(retryAfter > 4 * 3_500_000 && retryAfter <= 4 * 3_600_000)
  t.match(await limiter.peek('key', { cost: 0 }), { source: 'local', remaining: 0 })
  await limiter.refund('key')
  t.match(await limiter.peek('key'), { allowed: true, source: 'local', remaining: 1 })
  line.open()
})

test("with 'allow' nobody counts: all is allowed, and what is left is not known", async (t) => {
  const { line, store } = await clogged(t, { onStoreFailure: 'allow' })
  const limiter = limiterOf(store, BUCKET)
  line.blackhole()
  for (let i = 0; i < 10; i++) {
    const decision = await limiter.take('key', { cost: 3 })
    t.match(decision, { allowed: true, source: 'none', remaining: Number.POSITIVE_INFINITY, resetAfter: 0 })
  }
  t.match(await limiter.peek('key', { cost: 100 }), { allowed: true, source: 'none' })
  await limiter.refund('key')
  line.open()
})

test("with 'deny' calls reject, with the code and status of a store failure and no word about the key", async (t) => {
  const { line, store } = await clogged(t, { onStoreFailure: 'deny' })
  const limiter = limiterOf(store, BUCKET)
  line.blackhole()
  for (let i = 0; i < 7; i++) {
    const failure = { code: 'FST_FLOODGATE_STORE', statusCode: 503, headers: { 'retry-after': '1' } }
    await t.rejects(limiter.take('secret'), {
      ...failure,
      message: /^the rate limit store did not answer: [\w ]+$/,
    })
    await t.rejects(limiter.peek('secret'), failure)
  }
  line.open()
})

test('what was denied by the store stays denied, by the store, while it does not answer', async (t) => {
  const { line, store } = await clogged(t)
  const limiter = limiterOf(store, BUCKET)
  await until('a denial by the store', async () => {
    const { allowed, source } = await limiter.take('key', { cost: 2 })
    return !allowed && source === undefined
  })
  line.blackhole()
  const decision = await limiter.take('key', { cost: 2 })
  t.match(decision, { allowed: false })
  t.notOk('source' in decision)
})

test('after five failures in a row the store is left alone, and tried once a second', async (t) => {
  const { server, line, store } = await clogged(t)
  const limiter = limiterOf(store, { ...BUCKET, burst: 10_000 })
  const states: string[] = []
  store.onStateChange((state, error) => states.push(`${state} ${error?.message ?? ''}`.trim()))
  line.blackhole()
  for (let i = 0; i < 4; i++) await limiter.take('key')
  t.equal(store.state, 'up')
  await limiter.take('key')
  t.equal(store.state, 'down')
  t.same(states, [
    'down the rate limit store does not answer: no reply within 50 ms; limits of this process apply',
  ])
  const { bytes } = line.seen
  const before = performance.now()
  for (let i = 0; i < 1000; i++) t.match(await limiter.take('key'), { source: 'local' })
  if (performance.now() - before < 900) t.equal(line.seen.bytes, bytes, 'nothing is sent')
  const start = performance.now()
  const sent = new Set<number>()
  while (performance.now() - start < 2200 || sent.size < 2) {
    await Promise.all([limiter.take('key'), limiter.take('key')])
    sent.add(line.seen.bytes)
  }
  const seconds = (performance.now() - start) / 1000
  t.ok(sent.size <= 3 + seconds, `${sent.size - 1} tries in ${seconds} s`)
  line.open()
  await answers(store)
  t.equal(store.state, 'up')
  t.same(states.slice(1), ['up'])
  t.ok(server.running)
})

test('a success in between starts the count of failures again', async (t) => {
  const { line, store } = await clogged(t)
  const limiter = limiterOf(store, { ...BUCKET, burst: 1000 })
  for (let round = 0; round < 3; round++) {
    line.blackhole()
    for (let i = 0; i < 4; i++) t.match(await limiter.take('key'), { source: 'local' })
    line.open()
    await answers(store)
    t.equal(store.state, 'up')
  }
})

test('calls that fail together are one failure', async (t) => {
  const { line, store } = await clogged(t)
  const limiter = limiterOf(store, { ...BUCKET, burst: 1000 })
  line.blackhole()
  for (let i = 0; i < 4; i++) {
    await Promise.all(Array.from({ length: 20 }, (_, j) => limiter.take(`key ${j}`)))
    t.equal(store.state, 'up')
  }
})

test('a reset that the store does not answer rejects, whatever is to be done on failure', async (t) => {
  for (const onStoreFailure of ['local', 'allow', 'deny'] as const) {
    const { line, store } = await clogged(t, { onStoreFailure })
    const limiter = limiterOf(store, BUCKET)
    await limiter.take('key')
    line.blackhole()
    for (let i = 0; i < 6; i++) await t.rejects(limiter.reset('key'), { code: 'FST_FLOODGATE_STORE' })
    line.open()
  }
})

test('a reset forgets what was counted here as well', async (t) => {
  const { line, store } = await clogged(t)
  const limiter = limiterOf(store, BUCKET)
  line.blackhole()
  await limiter.take('key', { cost: 4 })
  t.match(await limiter.take('key'), { allowed: false, source: 'local' })
  await t.rejects(limiter.reset('key'))
  t.match(await limiter.take('key'), { allowed: true, source: 'local' })
  line.open()
})
