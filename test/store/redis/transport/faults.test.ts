import { test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import { resetCounts, scriptsOf } from '../../../fixtures/redis/monitor.js'
import { startProxy } from '../../../fixtures/redis/proxy.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { clientOf, limiterOf, serve, storeOf, Times } from '../one-server.js'

const BUCKET = { rate: 1, per: 'day', burst: 1000 } as const

/** A client whose calls of the script end as they are told. */
function calling(client: RedisClient, evalsha: () => unknown): RedisClient {
  return Object.create(client, { evalsha: { value: evalsha } })
}

test('a client that throws at once fails the calls of its batch, and no others', async (t) => {
  const { client } = await serve(t)
  const cause = new Error('MISCONF it said no, of some key')
  let broken = true
  const fickle = calling(client, function (this: RedisClient, ...args: unknown[]) {
    if (broken) throw cause
    return (client as unknown as { evalsha(...args: unknown[]): unknown }).evalsha.apply(this, args)
  } as () => unknown)
  const limiter = limiterOf(storeOf(fickle, { onStoreFailure: 'deny' }), BUCKET)
  const failure = {
    code: 'FST_FLOODGATE_STORE',
    message: 'the rate limit store did not answer: MISCONF',
    cause,
  }
  await Promise.all(['a', 'b'].map((key) => t.rejects(limiter.take(key), failure)))
  broken = false
  t.match(await limiter.take('a'), { allowed: true, remaining: 999 })
})

test('a client that rejects with something that is no error fails as any other', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(
    storeOf(
      calling(client, () => Promise.reject('no error')),
      { onStoreFailure: 'deny' },
    ),
    BUCKET,
  )
  await t.rejects(limiter.take('key'), {
    code: 'FST_FLOODGATE_STORE',
    message: 'the rate limit store did not answer: unknown',
  })
})

test('an answer that is none is a failure: its client may have sent the call once more', async (t) => {
  const { client } = await serve(t)
  for (const answer of [[], null, 'OK', 1]) {
    const limiter = limiterOf(storeOf(calling(client, async () => answer)), BUCKET)
    t.match(await limiter.take('key'), { allowed: true, source: 'local' }, JSON.stringify(answer))
  }
})

test('a lease that was asked for in vain is asked for again, and nothing is spent that was not granted', async (t) => {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const client = await clientOf(t, line)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'lease', lease: 20 }), BUCKET)
  const observer = limiterOf(times.store(await clientOf(t, server), { prefix: 'lease' }), BUCKET)
  // The next take asks for a lease.
  for (let i = 0; i < 3; i++) await limiter.take('key')
  line.blackhole()
  const pending = limiter.take('key')
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  line.cut()
  line.open()
  t.match(await pending, { source: 'local' })
  await until('a new connection', () => (client as unknown as { status: string }).status === 'ready')
  t.match(await limiter.take('key'), { allowed: true, source: undefined })
  t.equal((await observer.peek('key', { cost: 0 })).remaining, 1000 - 3 - 8)
  await resetCounts(server)
  for (let i = 0; i < 4; i++) t.match(await limiter.take('key'), { allowed: true, source: undefined })
  t.equal(await scriptsOf(server), 0)
  for (let i = 4; i < 7; i++) t.match(await limiter.take('key'), { allowed: true, source: undefined })
  await until('it asks for more', async () => (await scriptsOf(server)) === 1)
})
