import { test } from 'tap'
import { keysOf, keysWithoutTtl } from '../../../fixtures/redis/monitor.js'
import { limiterOf, serve, storeOf, Times } from '../one-server.js'

const HOUR_OF = { rate: 10, per: 'hour', burst: 10 } as const
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 10, per: 1234.567 } as const

test('a bucket expires in the millisecond in which it is full, whatever was charged or given back', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  // A unit takes 333.333... ms to come back, so the law counts in thirds of a microsecond.
  const limiter = limiterOf(times.store(client), { rate: 3, per: 'second', burst: 9 })
  const name = limiter.storeKey('key')
  const expiry = async () => Number(await server.command('PEXPIRETIME', name))
  const start = times.server
  let charged = 0
  for (const step of [{ take: 1 }, { take: 4 }, { refund: 2 }, { take: 3 }, { refund: 1 }]) {
    times.advance(0.001)
    if (step.take) await limiter.take('key', { cost: step.take })
    else await limiter.refund('key', step.refund)
    charged += step.take ?? -(step.refund as number)
    t.equal(await expiry(), Math.ceil((start + 1 + (charged * 1e6) / 3) / 1000), JSON.stringify(step))
  }
  await limiter.refund('key', 9)
  t.equal(await server.command('EXISTS', name), 0, 'a key that is full is no key')
})

test('a bucket that counts whole microseconds expires to the millisecond as well', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  times.server -= times.server % 1000
  const limiter = limiterOf(times.store(client), HOUR_OF)
  for (const step of [0, 0.001, 0.999]) {
    await limiter.reset('key')
    times.advance(step)
    await limiter.take('key')
    const full = times.server + 360_000_000
    t.equal(await server.command('PEXPIRETIME', limiter.storeKey('key')), Math.ceil(full / 1000))
  }
})

test('a window expires in the millisecond in which its newest unit leaves, and sooner after a refund', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client), WINDOW)
  const name = limiter.storeKey('key')
  const expiry = async () => Number(await server.command('PEXPIRETIME', name))
  const leaves = (at: number) => Math.ceil((at + 1_234_567) / 1000)
  const first = times.server
  await limiter.take('key', { cost: 3 })
  t.equal(await expiry(), leaves(first))
  times.advance(500.5)
  const second = times.server
  await limiter.take('key', { cost: 2 })
  t.equal(await expiry(), leaves(second))
  times.advance(100)
  await limiter.take('key', { cost: 6 })
  t.equal(await expiry(), leaves(second), 'a denial changes nothing')
  await limiter.refund('key', 2)
  t.equal(await expiry(), leaves(first))
  await limiter.refund('key', 5)
  t.equal(await server.command('EXISTS', name), 0)
})

test('in real time, a key is there until it no longer matters, and not longer', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(
    storeOf(client),
    { name: 'b', rate: 3, per: 'minute', burst: 2 },
    { ...WINDOW, per: 30_000 },
  )
  const serverTime = async () => {
    const [seconds, micros] = (await server.command('TIME')) as [string, string]
    return Number(seconds) * 1000 + Number(micros) / 1000
  }
  const before = await serverTime()
  await limiter.take('key')
  const after = await serverTime()
  for (const [policy, ms] of [
    ['b', 20_000],
    ['window', 30_000],
  ] as const) {
    const expires = Number(await server.command('PEXPIRETIME', limiter.storeKey('key', policy)))
    t.ok(expires >= before + ms && expires <= Math.ceil(after + ms), policy)
  }
})

test('no verb leaves a key without a time to live', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { lease: 8 })
  const both = limiterOf(store, { name: 'bucket', ...HOUR_OF }, { ...WINDOW, per: 'hour' })
  const leased = limiterOf(store, { rate: 1000, per: 'hour', burst: 1000 })
  for (const key of ['a', 'b', 'c']) {
    await both.take(key, { cost: 4 })
    await both.take(key, { cost: 4 })
    await both.take(key, { cost: 4 })
    await both.take(key, { cost: 0 })
    await both.peek(key)
    await both.refund(key, 3)
    for (let i = 0; i < 30; i++) await leased.take(key)
    await leased.refund(key, 5)
  }
  await both.take('never seen', { cost: 0 })
  await both.refund('never seen', 5)
  t.same(await keysWithoutTtl(server), [])
  t.equal((await keysOf(server)).size, 9, 'and those that were not charged are not there')
  await store.close()
  t.same(await keysWithoutTtl(server), [])
})

test('reset deletes the keys of every policy, and their leases', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { lease: 8 })
  const both = limiterOf(store, { name: 'bucket', ...HOUR_OF }, { ...WINDOW, per: 'hour' })
  const leased = limiterOf(store, { rate: 1000, per: 'hour', burst: 1000 })
  await both.take('key', { cost: 10 })
  for (let i = 0; i < 10; i++) await leased.take('key')
  await both.reset('key')
  await leased.reset('key')
  t.equal((await keysOf(server)).size, 0)
  t.match(await both.take('key', { cost: 10 }), { allowed: true })
})

test('the longest and the shortest limits there are have exact times to live', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  for (const [policy, micros] of [
    [{ rate: 1, per: '365 days', burst: 70 }, 365 * 86_400e6],
    [{ rate: 2 ** 31 - 1, per: 2 ** 31 / 1000, burst: 2 ** 31 - 1 }, 1],
    [{ rate: 7, per: 0.007, burst: 1 }, 1],
    [{ rate: 1, per: 'day', algorithm: 'sliding-window' }, 86_400e6],
  ] as const) {
    const limiter = limiterOf(times.store(client), policy)
    t.match(await limiter.take('key'), { allowed: true })
    const expires = Number(await server.command('PEXPIRETIME', limiter.storeKey('key')))
    const exact = (times.server + micros) / 1000
    t.ok(
      expires >= exact - 0.001 && expires <= exact + 2,
      `${JSON.stringify(policy)}: ${expires - exact} ms late`,
    )
  }
})
