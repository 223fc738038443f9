import { type Test, test } from 'tap'
import { newCharge } from '../../../lib/store/index.js'
import type { AsyncLimiter, Bucket, Charge } from '../../../types/index.js'
import { startProxy } from '../../fixtures/redis/proxy.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { until } from '../../fixtures/redis/until.js'
import { clientOf, limiterOf, storeOf } from './one-server.js'

const BUCKET = { name: 'bucket', rate: 1, per: 'hour', burst: 4 } as const

async function set(t: Test) {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const store = storeOf(await clientOf(t, line), { timeout: 1000 })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, BUCKET)
  await answers(limiter)
  return { line, store, limiter }
}

function chargeOf(limiter: AsyncLimiter, cost: number): Charge {
  const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
  return { ...newCharge(bucket), key: 'key', cost }
}

const answers = (limiter: AsyncLimiter) =>
  until('the store to answer', async () => (await limiter.peek('other')).source === undefined)

test('what was charged here goes back here, also when the store answers again', async (t) => {
  const { line, store, limiter } = await set(t)
  await limiter.take('key', { cost: 2 })
  line.blackhole()
  const charge = chargeOf(limiter, 3)
  t.equal(await store.take([charge]), true)
  t.equal(charge.source, 'local')
  line.open()
  await answers(limiter)
  await store.refund([charge])
  t.match(await limiter.peek('key', { cost: 0 }), { remaining: 2 }, 'the store was not charged for it')
  line.blackhole()
  t.match(await limiter.peek('key', { cost: 0 }), { source: 'local', remaining: 4 })
  line.open()
})

test('what the store charged and does not take back lifts no local limit', async (t) => {
  const { line, store, limiter } = await set(t)
  const charge = chargeOf(limiter, 3)
  await store.take([charge])
  line.blackhole()
  await limiter.take('key', { cost: 4 })
  await store.refund([charge])
  t.match(await limiter.take('key'), { allowed: false, source: 'local' })
  line.open()
})

test('what nobody counted goes back to nobody', async (t) => {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const store = storeOf(await clientOf(t, line), { timeout: 1000, onStoreFailure: 'allow' })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, BUCKET)
  await limiter.take('key', { cost: 3 })
  line.blackhole()
  const charge = chargeOf(limiter, 3)
  t.equal(await store.take([charge]), true)
  t.equal(charge.source, 'none')
  line.open()
  await until('the store to answer', async () => (await limiter.peek('other')).source === undefined)
  await store.refund([charge])
  t.match(await limiter.peek('key', { cost: 0 }), { remaining: 1 })
})

test('a refund never rejects', async (t) => {
  const { line, limiter } = await set(t)
  line.blackhole()
  for (let i = 0; i < 8; i++) await limiter.refund('key')
  t.match(await limiter.peek('key'), { allowed: true, source: 'local', remaining: 4 })
  line.open()
})

test('a call under way when the store is closed is answered within its timeout', async (t) => {
  const { line, store, limiter } = await set(t)
  await limiter.take('key')
  line.blackhole()
  const pending = limiter.take('key')
  await new Promise((resolve) => setImmediate(resolve))
  await store.close()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 20_000, 'never')
  })
  t.match(await Promise.race([pending, late]), { source: 'local' })
  clearTimeout(timer)
  line.open()
})
