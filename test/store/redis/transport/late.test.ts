import { type Test, test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import type { AsyncLimiter } from '../../../../types/index.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { keysOf, resetCounts, scriptsOf } from '../../../fixtures/redis/monitor.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { clientOf, limiterOf, serve, storeOf, Times } from '../one-server.js'

const BUCKET = { name: 'bucket', rate: 1, per: 'day', burst: 1000 } as const
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 1000, per: 'day' } as const
const TIMEOUT = 400
const HOUR = 3_600_000

type Ask = (limiter: AsyncLimiter, i: number) => Promise<unknown>[]
const WAYS: Record<string, { policies: object[]; lease?: number; ask: Ask }> = {
  'lone takes of a bucket': { policies: [BUCKET], ask: (limiter) => [limiter.take('key')] },
  'lone takes of a window': { policies: [WINDOW], ask: (limiter) => [limiter.take('key')] },
  'batches about both laws': {
    policies: [BUCKET, WINDOW],
    ask: (limiter, i) => [limiter.take('key', { cost: 2 }), limiter.take(`key ${i}`)],
  },
  'takes that ask for a lease': { policies: [BUCKET], lease: 20, ask: (limiter) => [limiter.take('key')] },
  resets: { policies: [BUCKET], ask: (limiter) => [limiter.reset('spent').catch(() => {})] },
}

for (const flavour of clients.filter(({ name }) => name === 'ioredis 6' || name === 'node-redis 6')) {
  for (const [way, { policies, lease = 1, ask }] of Object.entries(WAYS)) {
    test(`of calls that were given up while the server was stopped none counts when it goes on: ${way}, ${flavour.name}`, async (t) => {
      const server = await startRedis(t)
      const client = await clientOf(t, server, {}, flavour)
      const store = storeOf(client, { prefix: 'late', timeout: TIMEOUT, lease })
      store.onStateChange(() => {})
      const limiter = limiterOf(store, ...policies)
      const observer = limiterOf(storeOf(await clientOf(t, server), { prefix: 'late' }), ...policies)
      await observer.take('spent', { cost: 7 })
      await until('the store to answer', async () => (await limiter.peek('other')).source === undefined)
      const before = [...(await keysOf(server)).keys()]
      await resetCounts(server)
      server.pause()
      const calls: Promise<unknown>[] = []
      for (let i = 0; i < 20; i++) {
        calls.push(...ask(limiter, i))
        // Each goes with a script call of its own.
        await new Promise((resolve) => setImmediate(resolve))
      }
      const sent = performance.now()
      const answers = await Promise.all(calls)
      t.ok(performance.now() - sent < 10_000, 'they are given up in time')
      if (way !== 'resets')
        t.ok(answers.every((answer) => (answer as { source?: string }).source === 'local'))
      await new Promise((resolve) => setTimeout(resolve, 50))
      server.resume()
      await until('the server to have run them', async () => (await scriptsOf(server)) >= 20)
      // A reset that failed may have run, so other processes are told of it.
      const keys = [...(await keysOf(server)).keys()].filter((key) => !key.includes(':fleet:'))
      t.same(keys, before, 'no key is charged')
      t.match(await observer.peek('spent', { cost: 0 }), { remaining: 993 }, 'nor reset')
      await until('the store to answer', async () => (await limiter.take('again')).source === undefined)
      await store.close()
    })
  }
}

test('a renewal of a lease that was given up leases nothing', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { prefix: 'late', timeout: 1000, lease: 20 })
  store.onStateChange(() => {})
  const limiter = limiterOf(store, BUCKET)
  const observer = limiterOf(storeOf(await clientOf(t, server), { prefix: 'late' }), BUCKET)
  const left = async () => (await observer.peek('key', { cost: 0 })).remaining
  // The last of them fills the lease with 19 units.
  for (let i = 0; i < 32; i++) await limiter.take('key')
  const before = await left()
  await resetCounts(server)
  server.pause()
  for (let i = 0; i < 14; i++) t.match(await limiter.take('key'), { allowed: true, source: undefined })
  await new Promise((resolve) => setTimeout(resolve, 1200))
  server.resume()
  await until('the server to have run it', async () => (await scriptsOf(server)) >= 1)
  t.equal(await left(), before)
  await store.close()
})

test('a server whose clock jumps costs no answer: what it did not run is sent once more', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { timeout: 100 })
  const limiters = [limiterOf(store, BUCKET), limiterOf(store, WINDOW), limiterOf(store, BUCKET, WINDOW)]
  for (const limiter of limiters) {
    await limiter.take('key')
    for (const jump of [HOUR, 0.101, -HOUR, 50, -50, HOUR, 24 * HOUR]) {
      times.server += jump * 1000
      await resetCounts(server)
      for (let i = 0; i < 3; i++) t.match(await limiter.take('key'), { allowed: true, source: undefined })
      t.equal(await scriptsOf(server), jump > 100 ? 4 : 3, `${jump} ms`)
    }
  }
  t.equal(store.state, 'up')
})

/** Stands between a store and its client. */
function intercept(t: Test, client: RedisClient, pass: (args: unknown[]) => unknown[]): void {
  const io = client as unknown as { evalsha(...args: unknown[]): Promise<unknown> }
  const evalsha = io.evalsha.bind(io)
  t.intercept(io, 'evalsha', { value: (...args: unknown[]) => evalsha(...pass(args)) })
}

test('after a step back, too, a call that was given up does not count', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { timeout: 100 }), BUCKET)
  await limiter.take('key')
  times.server -= HOUR * 1000
  await limiter.take('key')
  const deadlines: number[] = []
  intercept(t, client, (args) => {
    deadlines.push(Number(args[3]))
    return args
  })
  await limiter.take('key')
  t.same(deadlines, [times.server + 100_000])
})

test('a call that comes too late twice, or has no time left, is one that was not answered, and the next is', async (t) => {
  for (const [passed, calls] of [
    [0, 2],
    [99.999, 2],
    [100, 1],
  ]) {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client, { timeout: 100, onStoreFailure: 'deny' }), BUCKET)
    await limiter.take('key')
    await resetCounts(server)
    let jumps = 2
    intercept(t, client, (args) => {
      if (jumps === 0) return args
      // The server's clock jumps ahead while the call is on its way, which takes its time.
      const [keys, now, ...runs] = String(args[4]).split(' ')
      times.advance(passed)
      return args.with(4, [keys, Number(now) + HOUR * 1000 * (3 - jumps--), ...runs].join(' '))
    })
    await t.rejects(limiter.take('key'), {
      code: 'FST_FLOODGATE_STORE',
      message: 'the rate limit store did not answer: it was reached too late',
    })
    t.equal(await scriptsOf(server), calls)
    jumps = 0
    t.match(await limiter.take('key'), { allowed: true, remaining: 998 })
  }
})

for (const hours of [-1, 1]) {
  test(`a process whose clock is ${hours} hour off is answered from its first call on`, async (t) => {
    const { server, client } = await serve(t)
    const { now } = Date
    t.intercept(Date, 'now', { value: () => now() + hours * HOUR })
    const limiter = limiterOf(storeOf(client), BUCKET)
    await resetCounts(server)
    for (let i = 0; i < 3; i++) t.match(await limiter.take('key'), { source: undefined, remaining: 999 - i })
    // The script is not known yet, so that the first call is sent by its name and by its text; if it is late,
    // by its name again.
    t.equal(await scriptsOf(server), hours < 0 ? 5 : 4)
  })
}
