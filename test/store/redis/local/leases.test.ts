import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { newCharge } from '../../../../lib/store/index.js'
import type { AsyncLimiter, Bucket } from '../../../../types/index.js'
import { commandsOf, keysWithoutTtl, resetCounts, scriptsOf } from '../../../fixtures/redis/monitor.js'
import { until } from '../../../fixtures/redis/until.js'
import { limiterOf, serve, Times } from '../one-server.js'

const BUCKET = { rate: 3600, per: 'hour', burst: 1000 } as const

/** What the server has left: asked through a store that holds nothing. */
function observer(times: Times, client: Parameters<Times['store']>[0], prefix = 'lease'): AsyncLimiter {
  return limiterOf(times.store(client, { prefix, denyCache: 0 }), BUCKET)
}

/** Takes one at a time. */
async function takes(limiter: AsyncLimiter, count: number, key = 'key'): Promise<number> {
  let allowed = 0
  for (let i = 0; i < count; i++) if ((await limiter.take(key)).allowed) allowed++
  return allowed
}

test('a key that is asked for once in a while is not leased', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 20 }), BUCKET)
  await limiter.take('warm up')
  await resetCounts(server)
  for (let i = 1; i <= 5; i++) {
    await limiter.take('key')
    times.advance(500)
  }
  t.equal(await scriptsOf(server), 5)
  times.advance(-2500)
  t.match(await observer(times, client).peek('key', { cost: 0 }), { remaining: 995 })
})

test('a hot key is leased in twice as many units each time, up to the most', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 20 }), BUCKET)
  const charged: number[] = []
  await limiter.take('warm up')
  await resetCounts(server)
  for (let i = 0; i < 54; i++) {
    t.match(
      await limiter.take('key'),
      { allowed: true, remaining: 999 - i },
      'units of the lease count as left',
    )
    charged.push(1000 - (await observer(times, client).peek('key', { cost: 0 })).remaining)
  }
  // From four units on they are renewed with a quarter left: 7 when one of 3 is held, 13 when one of them is,
  // and so on.
  t.same([...new Set(charged)], [1, 3, 7, 13, 26, 41, 55, 69])
  t.equal(await scriptsOf(server), 8 + 54)
})

test('a lease takes at most half of what is left to others, and none of the last unit', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const policy = { ...BUCKET, burst: 10 }
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 1000 }), policy)
  const other = limiterOf(times.store(client, { prefix: 'lease' }), policy)
  const left: number[] = []
  for (let i = 0; i < 10; i++) {
    await limiter.take('key')
    left.push((await other.peek('key', { cost: 0 })).remaining)
  }
  t.same(left, [9, 7, 7, 3, 3, 2, 2, 2, 1, 0])
})

test('denials of a leased key are known like others, and end when they would', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 20 }), { ...BUCKET, burst: 30 })
  t.equal(await takes(limiter, 100), 30)
  await resetCounts(server)
  t.equal(await takes(limiter, 100), 0)
  t.same(await commandsOf(server), {})
  times.advance(1000)
  t.equal(await takes(limiter, 100), 1)
})

test('units of a lease that nobody spent for half a second go back, and all of them at close', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { prefix: 'lease', lease: 20 })
  const limiter = limiterOf(store, BUCKET)
  const left = async () => (await observer(times, client).peek('key', { cost: 0 })).remaining
  await takes(limiter, 4)
  t.equal(await left(), 993)
  times.advance(500)
  await until('the return of the units', async () => (await left()) === 996)
  await sleep(600)
  t.equal(await left(), 996, 'once')
  await takes(limiter, 5)
  t.ok((await left()) < 991)
  await store.close()
  t.equal(await left(), 991)
  t.same(await keysWithoutTtl(server), [])
  t.equal(await takes(limiter, 3), 3, 'a closed store starts again')
  await store.close()
  t.equal(await left(), 988)
})

test("a unit of a lease that is refunded goes back into it, and is nobody's once the lease has ended", async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { prefix: 'lease', lease: 20 })
  const limiter = limiterOf(store, BUCKET)
  const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
  const left = async () => (await observer(times, client).peek('key', { cost: 0 })).remaining
  await takes(limiter, 4)
  const spent = { ...newCharge(bucket), key: 'key' }
  t.equal(store.take([spent]), true, 'at once, from the lease')
  await resetCounts(server)
  await store.refund([spent])
  t.same(await commandsOf(server), {})
  await store.close()
  t.equal(await left(), 996)
  await store.refund([{ ...spent }])
  t.ok((await left()) <= 997, 'never more than its own cost')
})

test('while units are leased, a refund that names no charge gives back what was charged after them', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 20 }), BUCKET)
  const other = observer(times, client)
  await takes(limiter, 4)
  await other.take('key', { cost: 2 })
  t.match(await other.peek('key', { cost: 0 }), { remaining: 991 })
  await other.refund('key', 5)
  t.match(await other.peek('key', { cost: 0 }), { remaining: 993 }, 'four spent and three leased')
})

test('a reset drops the lease: nothing is spent that is not charged', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { prefix: 'lease', lease: 20 })
  const limiter = limiterOf(store, { ...BUCKET, burst: 100 })
  await takes(limiter, 20)
  await limiter.reset('key')
  t.equal(await takes(limiter, 200), 100)
})

test('a reset drops also the lease that is under way', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { prefix: 'lease', lease: 20 })
  const limiter = limiterOf(store, { ...BUCKET, burst: 100 })
  // The next take asks for 15 units more.
  await takes(limiter, 15)
  const [, , after] = await Promise.all([limiter.take('key'), limiter.reset('key'), limiter.take('key')])
  t.match(after, { allowed: true, remaining: 99 })
  t.equal(await takes(limiter, 200), 99)
})

test('windows, groups, costs of several units and stores without leases are asked every time', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { lease: 20 })
  const window = { name: 'window', algorithm: 'sliding-window', rate: 100, per: 'hour' } as const
  for (const [limiter, cost] of [
    [limiterOf(store, window), 1],
    [limiterOf(store, BUCKET, window), 1],
    [limiterOf(store, BUCKET), 2],
    [limiterOf(times.store(client), BUCKET), 1],
    [limiterOf(times.store(client, { lease: 1 }), BUCKET), 1],
  ] as const) {
    await limiter.take('warm up', { cost })
    await resetCounts(server)
    for (let i = 0; i < 10; i++) await limiter.take('key', { cost })
    t.equal(await scriptsOf(server), 10)
  }
})

test('calls of one turn ask for one lease', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 20 }), BUCKET)
  await takes(limiter, 15)
  await Promise.all(Array.from({ length: 10 }, () => limiter.take('key')))
  t.equal((await observer(times, client).peek('key', { cost: 0 })).remaining, 1000 - 15 - 10 - 15)
})

const FLOOD = Array.from({ length: 21 }, (_, round) =>
  Array.from({ length: 500 }, (_, i) => `cold ${round * 500 + i}`),
)

test('a key that stays hot in a flood of other keys keeps its lease', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(new Times().store(client, { lease: 100 }), BUCKET)
  let admitted = await takes(limiter, 130)
  for (const keys of FLOOD) {
    await Promise.all(keys.map((key) => limiter.take(key)))
    admitted += await takes(limiter, 1)
  }
  admitted += await takes(limiter, 1200)
  t.equal(admitted, 1000)
})

test('a lease that gives way to other keys gives back what it holds', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(new Times().store(client, { lease: 100 }), BUCKET)
  let admitted = 0
  for (let round = 0; round < 2; round++) {
    // It holds 97 units then.
    admitted += await takes(limiter, 130)
    for (const keys of FLOOD) await Promise.all(keys.map((key) => limiter.take(key)))
  }
  admitted += await takes(limiter, 1200)
  t.ok(admitted >= 1000 - 99, `${admitted} of 1000 admitted`)
})

test('keys that are asked for several units at once take no places from those that can be leased', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(new Times().store(client, { lease: 20 }), BUCKET)
  for (const suffix of ['', ' more']) {
    for (const keys of FLOOD) {
      const ask = () => Promise.all(keys.map((key) => limiter.take(key + suffix, { cost: 2 })))
      await ask()
      await ask()
    }
  }
  await takes(limiter, 2)
  await resetCounts(server)
  await takes(limiter, 10)
  t.ok((await scriptsOf(server)) < 10, 'some are decided by a lease')
})
