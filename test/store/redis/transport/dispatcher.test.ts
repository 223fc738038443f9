import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, t, test } from 'tap'
import type { RedisStoreOptions } from '../../../../lib/store/redis/options.js'
import { clients, type Flavour } from '../../../fixtures/redis/clients.js'
import { commandsOf, keysOf, keysWithoutTtl, resetCounts } from '../../../fixtures/redis/monitor.js'
import { startProxy } from '../../../fixtures/redis/proxy.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { clientOf, limiterOf, serve, storeOf } from '../one-server.js'

// They wait for most of their time, each with servers of its own.
t.jobs = 4

const BUCKET = { rate: 1, per: 'day', burst: 1000 } as const

/** A limiter through a line, and what the server has been charged. */
async function through(t: Test, flavour: Flavour, options: Partial<RedisStoreOptions> = {}) {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const store = storeOf(await clientOf(t, line, {}, flavour), { prefix: 'line', ...options })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, BUCKET)
  const observer = limiterOf(storeOf(await clientOf(t, server), { prefix: 'line' }), BUCKET)
  const charged = async () => 1000 - (await observer.peek('key', { cost: 0 })).remaining
  const answers = () =>
    until('the store to answer', async () => (await limiter.peek('other')).source === undefined)
  await answers()
  return { server, line, store, limiter, charged, answers }
}

/** One client of each kind: the others of a kind do the same in these matters. */
const kinds = clients.filter(({ name }) => name === 'ioredis 6' || name === 'node-redis 6')

for (const flavour of kinds) {
  test(`a script that the server has forgotten is sent once, and charges once: ${flavour.name}`, async (t) => {
    const { server, limiter, charged } = await through(t, flavour)
    for (let round = 1; round <= 3; round++) {
      await server.command('SCRIPT', 'FLUSH')
      await resetCounts(server)
      const decisions = await Promise.all([limiter.take('key'), limiter.take('key')])
      t.match(decisions, [{ allowed: true, source: undefined }, { allowed: true }])
      await limiter.take('key')
      const { eval: sent, evalsha } = await commandsOf(server)
      t.same([sent.calls, evalsha.calls, evalsha.failed], [1, 2, 1])
      t.equal(await charged(), round * 3)
    }
  })

  for (const afterBytes of [0, 3]) {
    test(`a reply that is lost after ${afterBytes} bytes is no second charge: ${flavour.name}`, async (t) => {
      const { line, limiter, charged, answers } = await through(t, flavour)
      for (let round = 1; round <= 3; round++) {
        const dropped = line.dropMidReply({ match: 'line:{', afterBytes })
        const decision = await limiter.take('key')
        await dropped
        t.match(decision, { source: 'local' })
        await answers()
        await sleep(50)
        t.equal(await charged(), round, 'each ran, and ran once')
      }
    })
  }

  test(`a call that nobody waits for any more charges nothing when its line opens: ${flavour.name}`, async (t) => {
    const { line, limiter, charged, answers } = await through(t, flavour, { timeout: 50 })
    // The connection is down: what is asked now waits in the client, if anywhere.
    await line.refuse()
    for (let i = 0; i < 4; i++) t.match(await limiter.take('key'), { source: 'local' })
    await line.accept()
    await answers()
    await sleep(100)
    t.equal(await charged(), 0)
  })

  test(`what was written before a connection broke runs once at most: ${flavour.name}`, async (t) => {
    const { line, limiter, charged, answers } = await through(t, flavour)
    line.blackhole()
    const pending = limiter.take('key')
    await sleep(20)
    line.cut({ reset: true })
    line.open()
    t.match(await pending, { source: 'local' })
    await answers()
    await sleep(50)
    t.equal(await charged(), 0, 'it was lost with the connection, and not sent again')
  })

  test(`before its first connection a client is waited for, as long as for any reply: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const line = await startProxy(t, server.port)
    await line.refuse()
    const client = await clientOf(t, line, { wait: false }, flavour)
    const store = storeOf(client, { timeout: 60, prefix: 'line' })
    t.teardown(store.onStateChange(() => {}))
    const limiter = limiterOf(store, BUCKET)
    t.match(await limiter.take('key'), { source: 'local' })
    await line.accept()
    const answer = await until('the store to answer', async () => {
      const decision = await limiter.peek('key', { cost: 0 })
      return decision.source === undefined ? decision : null
    })
    t.equal(answer.remaining, 1000, 'the call that gave up charged nothing')
  })
}

for (const flavour of clients.filter(({ kind }) => kind === 'ioredis')) {
  test(`with automatic pipelining the promises are the same: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const line = await startProxy(t, server.port)
    const client = await clientOf(
      t,
      line,
      { options: { enableAutoPipelining: true, keyPrefix: 'auto:' } },
      flavour,
    )
    const store = storeOf(client, { prefix: 'line' })
    t.teardown(store.onStateChange(() => {}))
    const limiter = limiterOf(store, BUCKET)
    const answers = () =>
      until('the store to answer', async () => (await limiter.peek('other')).source === undefined)
    await answers()
    await limiter.take('key')
    t.same([...(await keysOf(server)).keys()], [limiter.storeKey('key')])
    line.blackhole()
    const pending = limiter.take('key')
    await sleep(20)
    line.cut({ reset: true })
    line.open()
    t.match(await pending, { source: 'local' })
    await answers()
    await sleep(100)
    t.match(await limiter.peek('key', { cost: 0 }), { remaining: 999 })
  })
}

test('a server out of memory charges nothing, keeps denying, and is no denial itself', async (t) => {
  const { server, client } = await serve(t, { config: { 'maxmemory-policy': 'noeviction' } })
  const store = storeOf(client, { denyCache: 0 })
  t.teardown(store.onStateChange(() => {}))
  const window = { name: 'window', algorithm: 'sliding-window', rate: 100, per: 'day' } as const
  const limiter = limiterOf(store, { name: 'bucket', ...BUCKET, burst: 3 }, window)
  await limiter.take('denied', { cost: 3 })
  await server.command('CONFIG', 'SET', 'maxmemory', 1)
  t.match(await limiter.take('key'), { allowed: true, source: 'local' })
  const failure = new Promise((resolve) => store.onStateChange((_, error) => resolve(error)))
  t.match(await limiter.take('denied'), { allowed: false, source: undefined }, 'nothing is written for it')
  t.match(await limiter.peek('key'), { allowed: true, source: undefined })
  for (let i = 0; i < 5; i++) await limiter.take('key', { cost: 0 }).then(() => limiter.take(`key ${i}`))
  t.equal(store.state, 'up', 'calls that need no memory succeed in between')
  for (let i = 0; i < 5; i++) await limiter.take(`key ${i}`)
  t.match(await failure, {
    message: 'the rate limit store does not answer: OOM; limits of this process apply',
    cause: { message: /^OOM/ },
  })
  await server.command('CONFIG', 'SET', 'maxmemory', 0)
  await until('the store to answer', async () => (await limiter.take('key')).source === undefined)
  t.same(await keysWithoutTtl(server), [])
  t.match(await limiter.peek('key 0', { cost: 0 }), { remaining: 3 }, 'what was not written was not charged')
})

for (const flavour of kinds) {
  test(`a client at a replica, which takes no writes, is no denial: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const master = await startRedis(t, { config: { 'repl-diskless-sync-delay': 0 } })
    const store = storeOf(await clientOf(t, server, {}, flavour))
    t.teardown(store.onStateChange(() => {}))
    const limiter = limiterOf(store, BUCKET)
    await limiter.take('key')
    await server.command('REPLICAOF', '127.0.0.1', master.port)
    await until(
      'a replica in step',
      async () => (await server.info('replication')).master_link_status === 'up',
    )
    const clientsBefore = Number((await server.info('stats')).total_connections_received)
    t.match(await limiter.take('key'), { allowed: true, source: 'local' })
    if (flavour.kind === 'ioredis') {
      await until('a new connection', async () => {
        return Number((await server.info('stats')).total_connections_received) > clientsBefore
      })
    }
    await server.command('REPLICAOF', 'NO', 'ONE')
    await until('the store to answer', async () => (await limiter.take('key')).source === undefined)
  })
}

test('a store that two owners close at once is closed for both, and what was asked is answered before', async (t) => {
  const { client } = await serve(t)
  const store = storeOf(client)
  const limiter = limiterOf(store, BUCKET)
  await limiter.take('key')
  const asked = [limiter.take('key'), limiter.take('other')]
  let answered = 0
  for (const decision of asked) decision.then(() => answered++)
  const closed = [store.close(), store.close()].map((close) => close.then(() => answered))
  t.same(await Promise.all(closed), [2, 2])
  t.match(await Promise.all(asked), [{ remaining: 998 }, { remaining: 999 }])
})
