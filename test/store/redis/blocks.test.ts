import { test } from 'tap'
import type { RedisClient } from '../../../lib/redis.js'
import type { AsyncLimiter, PolicyOptions } from '../../../types/index.js'
import { commandsOf, keysOf, keysWithoutTtl, resetCounts, scriptsOf } from '../../fixtures/redis/monitor.js'
import { startProxy } from '../../fixtures/redis/proxy.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { chargesOf, clientOf, limiterOf, serve, storeOf, Times, turn } from './one-server.js'

const HOUR = 3_600_000
const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'minute', burst: 2, block: '1 hour' }
const WINDOW: PolicyOptions = {
  name: 'window',
  algorithm: 'sliding-window',
  rate: 2,
  per: 'minute',
  block: '1 hour',
}
const IN_PROGRESS: PolicyOptions = { name: 'work', algorithm: 'concurrency', limit: 2, hold: '1 hour' }
const GROWING = { for: '1 minute', factor: 3, max: '5 minutes', forget: '1 hour' } as const

/** Takes until it is denied. */
async function drain(limiter: AsyncLimiter, key = 'key') {
  for (;;) {
    const decision = await limiter.take(key)
    if (!decision.allowed) return decision
  }
}

/** The commands that a call about blocked keys takes. */
const READS: Record<string, string[]> = {
  bucket: ['evalsha', 'get'],
  window: ['evalsha', 'getrange'],
  'bucket and window': ['evalsha', 'get', 'getrange'],
}

for (const policies of [[BUCKET], [WINDOW], [BUCKET, WINDOW]]) {
  const name = policies.map((policy) => policy.name).join(' and ')

  test(`the denial that begins a block takes one call more, and those after it none: ${name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client), ...policies)
    await limiter.take('key', { cost: 2 })
    await resetCounts(server)
    t.match(await limiter.take('key'), { allowed: false, blocked: true, retryAfter: HOUR })
    t.equal(await scriptsOf(server), 2)
    await resetCounts(server)
    for (let i = 0; i < 500; i++) await limiter.take('key', { cost: i % 4 })
    for (let i = 0; i < 500; i++) await limiter.peek('key', { cost: i % 4 })
    times.advance(9_999)
    t.match(await limiter.take('key'), { blocked: true, remaining: 0, retryAfter: HOUR - 9_999 })
    t.same(await commandsOf(server), {})
    times.advance(1)
    t.match(await limiter.take('key'), { blocked: true, retryAfter: HOUR - 10_000 })
    t.equal(await scriptsOf(server), 1, 'another process may have lifted it')
    t.same(Object.keys(await commandsOf(server)).sort(), READS[name])
  })

  test(`a store of another process knows the block, and a key is as new when it ends: ${name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const [one, other] = [1, 2].map((origin) =>
      limiterOf(times.store(client, { prefix: 'same' }, origin), ...policies),
    )
    await drain(one)
    times.advance(1)
    t.match(await other.peek('key'), { blocked: true, retryAfter: HOUR - 1 })
    times.advance(HOUR - 1.001)
    for (const limiter of [one, other])
      t.match(await limiter.take('key'), { blocked: true, retryAfter: 1 }, 'to the last microsecond')
    t.same(await keysWithoutTtl(server), [])
    times.advance(0.001)
    t.match(await other.take('key'), { allowed: true, remaining: 1 })
    t.match(await one.take('key'), { allowed: true, remaining: 0 })
  })
}

for (const policy of [BUCKET, WINDOW]) {
  test(`a peek begins no block, also where its denial is remembered: ${policy.name}`, async (t) => {
    const { client } = await serve(t)
    const limiter = limiterOf(new Times().store(client), policy)
    await limiter.take('key', { cost: 2 })
    for (let i = 0; i < 2; i++)
      t.match(await limiter.peek('key'), { allowed: false, blocked: undefined }, 'a peek only looks')
    t.match(await limiter.take('key'), { blocked: true })
  })

  test(`calls of one turn see the block from the call on that begins it: ${policy.name}`, async (t) => {
    const { client } = await serve(t)
    const times = new Times()
    const store = times.store(client, { denyCache: 0 })
    const limiter = limiterOf(store, policy)
    const block = (ms: number) => store.block(chargesOf(limiter, 'key'), ms)
    const answers = await Promise.all([
      limiter.take('key'),
      block(5000),
      limiter.take('key'),
      limiter.refund('key'),
      limiter.peek('key'),
      block(1000),
      limiter.peek('key'),
      limiter.reset('key'),
      limiter.take('key'),
      block(70_000),
    ])
    t.match(answers, [
      { allowed: true, remaining: 1 },
      undefined,
      { blocked: true, retryAfter: 5000 },
      undefined,
      { blocked: true, retryAfter: 5000 },
      undefined,
      { blocked: true, retryAfter: 1000 },
      undefined,
      { allowed: true, remaining: 1 },
      undefined,
    ])
    t.match(
      await limiter.take('key'),
      { blocked: true, retryAfter: 70_000 },
      'what was taken stays forgotten',
    )
  })

  test(`a refund to a blocked key gives nothing back, be it of before the block or of nobody: ${policy.name}`, async (t) => {
    const { client } = await serve(t)
    const times = new Times()
    const store = times.store(client)
    const limiter = limiterOf(store, policy)
    const [charge] = chargesOf(limiter, 'key', 2)
    await store.take([charge])
    await drain(limiter)
    await store.refund([charge])
    await limiter.refund('key', 2)
    t.match(await limiter.take('key'), { blocked: true, retryAfter: HOUR })
    times.advance(HOUR)
    t.match(await limiter.take('key', { cost: 2 }), { allowed: true, remaining: 0 })
    await store.refund([charge])
    t.match(await limiter.peek('key', { cost: 0 }), { remaining: 0 }, 'nor afterwards')
  })

  test(`each further block lasts longer, and offences are forgotten with time or by a reset: ${policy.name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client), { ...policy, block: GROWING })
    const offences = `${limiter.storeKey('key')}:offences`
    const names = async () => [...(await keysOf(server)).keys()].sort()
    for (const minutes of [1, 3, 5, 5]) {
      const { retryAfter } = await drain(limiter)
      t.equal(retryAfter, minutes * 60_000)
      t.same(await names(), [limiter.storeKey('key'), offences])
      t.same(await keysWithoutTtl(server), [])
      times.advance(retryAfter)
    }
    const forgotten = Number(await server.command('PEXPIRETIME', offences))
    t.equal(
      forgotten,
      Math.ceil((times.server + HOUR * 1000) / 1000),
      'an hour after the end of the last block',
    )
    times.advance(HOUR - 0.001)
    t.match(await drain(limiter), { retryAfter: 5 * 60_000 })
    times.advance(5 * 60_000 + HOUR)
    t.match(await drain(limiter), { retryAfter: 60_000 })
    await limiter.reset('key')
    t.same(await names(), [])
    t.match(await drain(limiter), { retryAfter: 60_000 })
  })

  test(`offences that are no number of ours count as none: ${policy.name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client), { ...policy, block: GROWING })
    const offences = `${limiter.storeKey('key')}:offences`
    for (const command of [
      ['SET', 'x'],
      ['SET', '3'],
      ['SET', `:${times.server}`],
      ['SET', `2:${times.server}`],
      ['RPUSH', 'x'],
    ]) {
      await server.command(command[0], offences, command[1])
      t.match(await drain(limiter), { retryAfter: 60_000 }, command.join(' '))
      t.same(await keysWithoutTtl(server), [])
      times.advance(60_000)
      t.match(await drain(limiter), { retryAfter: 180_000 })
      await limiter.reset('key')
    }
  })

  test(`a server whose clock steps back lets a block begin again, and writes that down: ${policy.name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client, { denyCache: 0 }), policy)
    await drain(limiter)
    times.advance(HOUR / 2)
    times.server -= 24 * HOUR * 1000
    t.match(await limiter.peek('key'), { blocked: true, retryAfter: HOUR })
    const expires = Number(await server.command('PEXPIRETIME', limiter.storeKey('key')))
    t.equal(expires, Math.ceil((times.server + HOUR * 1000) / 1000))
    times.advance(HOUR - 1)
    t.match(await limiter.take('key'), { blocked: true, retryAfter: 1 })
    times.advance(1)
    t.match(await limiter.take('key'), { allowed: true, remaining: 1 })
  })
}

test('a block is in Redis: processes that start again find it, and so does a server with an AOF', async (t) => {
  const server = await startRedis(t, { config: { appendonly: 'yes', appendfsync: 'always' } })
  const policy: PolicyOptions = { ...BUCKET, block: { for: '1 hour', factor: 2 } }
  const start = async () => {
    const store = storeOf(await clientOf(t, server), { prefix: 'aof' })
    return { store, limiter: limiterOf(store, policy) }
  }
  const before = await start()
  t.match(await drain(before.limiter), { blocked: true, retryAfter: HOUR })
  await before.store.close()
  t.match(await (await start()).limiter.take('key'), { blocked: true })
  await server.kill()
  await server.start()
  const { store, limiter } = await start()
  const decision = await limiter.take('key')
  t.match(decision, { blocked: true })
  t.ok(!decision.allowed && decision.retryAfter > HOUR - 60_000)
  await store.block(chargesOf(limiter, 'key'), 0.001)
  t.equal((await drain(limiter)).retryAfter, 2 * HOUR, 'offences are kept as well')
})

test('what denies for ever begins no block, and is asked about once a second at most', async (t) => {
  const { server, client } = await serve(t)
  for (const policy of [BUCKET, WINDOW, { ...BUCKET, rate: 0, burst: undefined }, { ...WINDOW, rate: 0 }]) {
    const times = new Times()
    const limiter = limiterOf(times.store(client), policy)
    const cost = policy.rate === 0 ? 1 : 3
    await limiter.peek('other')
    await resetCounts(server)
    for (let i = 0; i < 20; i++) {
      t.match(await limiter.take('key', { cost }), {
        retryAfter: Number.POSITIVE_INFINITY,
        blocked: undefined,
      })
      times.advance(100)
    }
    t.equal(await scriptsOf(server), 2)
  }
})

test('where the call that begins a block fails, the denial is one without a block, and the next begins it', async (t) => {
  const { client } = await serve(t)
  const io = client as unknown as { evalsha(...args: unknown[]): Promise<unknown> }
  let calls = Number.NEGATIVE_INFINITY
  const fickle = Object.create(client, {
    evalsha: {
      value: (...args: unknown[]) =>
        ++calls === 2 ? Promise.reject(new Error('lost')) : io.evalsha(...args),
    },
  }) as RedisClient
  for (const policy of [BUCKET, WINDOW]) {
    const limiter = limiterOf(storeOf(fickle), policy)
    await limiter.take('key', { cost: 2 })
    calls = 0
    t.match(await limiter.take('key'), { allowed: false, blocked: undefined, source: undefined })
    t.equal(calls, 2)
    t.match(await limiter.take('key'), { blocked: true, retryAfter: HOUR })
  }
})

test('a store that closes ends the blocks that begin first, and lets go of the client then', async (t) => {
  const { client } = await serve(t)
  const emitter = client as unknown as { listenerCount(name: string): number }
  const before = emitter.listenerCount('close')
  const store = storeOf(client)
  const limiter = limiterOf(store, BUCKET)
  await limiter.take('key', { cost: 2 })
  const answer = limiter.take('key')
  await store.close()
  t.match(await answer, { blocked: true })
  t.equal(emitter.listenerCount('close'), before)
})

test("an operator's block replaces what a key has, be it longer or shorter, in all its policies", async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const policies = [BUCKET, WINDOW, { ...BUCKET, name: 'plain', block: undefined }, IN_PROGRESS]
  const store = times.store(client, { prefix: 'same' })
  const asking = times.store(client, { prefix: 'same', denyCache: 0 }, 1)
  const [here, there] = [store, asking].map((store) => policies.map((policy) => limiterOf(store, policy)))
  for (const [i, limiter] of here.entries()) {
    await limiter.take('key', { cost: 2 })
    for (const ms of [HOUR, 2 * HOUR, 1000, 0.001]) {
      const [, inTurn] = await Promise.all([store.block(chargesOf(limiter, 'key'), ms), limiter.take('key')])
      const blocked = { blocked: true, remaining: 0, retryAfter: Math.ceil(ms), resetAfter: Math.ceil(ms) }
      await resetCounts(server)
      t.match(await limiter.take('key'), blocked, `${policies[i].name}, ${ms} ms`)
      t.same(inTurn, await limiter.take('key'), 'also by the calls of its own turn')
      t.equal(await scriptsOf(server), 0, 'it is known here')
      t.match(await there[i].peek('key', { cost: 0 }), { ...blocked, allowed: false })
    }
    times.advance(0.001)
    t.match(await limiter.take('key', { cost: 2 }), { allowed: true, remaining: 0 }, 'as new')
  }
  t.same(await keysWithoutTtl(server), [])
})

test("an operator's block of several policies counts no offence, and a reset lifts it", async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client)
  const limiter = limiterOf(store, { ...BUCKET, block: GROWING }, WINDOW)
  await store.block(chargesOf(limiter, 'key'), HOUR)
  t.match(await limiter.take('key'), { blocked: true, violated: ['bucket', 'window'], retryAfter: HOUR })
  await limiter.reset('key')
  t.match(await limiter.take('key', { cost: 2 }), { allowed: true })
  t.match(await limiter.take('key'), { violated: ['bucket', 'window'], retryAfter: HOUR })
  times.advance(60_000)
  const [bucket, window] = chargesOf(limiter, 'key')
  await store.reset([window])
  t.equal(await store.take([bucket]), true, 'the first block of the bucket was the first')
})

test('a block through a server that does not answer rejects, and is in force in this process', async (t) => {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const store = storeOf(await clientOf(t, line), { timeout: 100 })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, BUCKET)
  await limiter.take('warm up')
  line.blackhole()
  const block = () => store.block(chargesOf(limiter, 'key'), HOUR)
  // The circuit opens after the fifth.
  for (let i = 0; i < 7; i++) await t.rejects(async () => block(), { code: 'FST_FLOODGATE_STORE' })
  t.match(await limiter.take('key'), { blocked: true, source: 'local' })
  t.match(await limiter.take('other', { cost: 2 }), { allowed: true, source: 'local' })
  t.match(await limiter.take('other'), { blocked: true, source: 'local' }, 'local denials block, too')
  await t.rejects(async () => limiter.reset('key'))
  t.match(await limiter.take('key'), { allowed: true, source: 'local' })
})

test('a block ends the lease of its key, and that of another process when it asks for more at the latest', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const lease = 20
  const [here, there] = [1, 2].map((origin) => times.store(client, { prefix: 'same', lease }, origin))
  const policy = { name: 'hot', rate: 1000, per: 'hour', burst: 1000 } as const
  const [mine, yours] = [limiterOf(here, policy), limiterOf(there, policy)]
  for (const limiter of [mine, yours]) for (let i = 0; i < 30; i++) await limiter.take('key')
  await here.block(chargesOf(mine, 'key'), HOUR)
  t.match(await mine.take('key'), { blocked: true }, 'at once where it is made')
  let admitted = 0
  while ((await yours.take('key')).allowed) {
    admitted++
    await turn(client)
  }
  t.ok(admitted > 0 && admitted <= (lease * 3) / 4, `${admitted} units that the other process held`)
  t.match(await yours.take('key'), { blocked: true, retryAfter: HOUR })
  for (const store of [here, there]) await store.close()
  t.match(await mine.take('key'), { blocked: true }, 'what goes back lifts nothing')
  times.advance(HOUR)
  t.match(await yours.take('key'), { allowed: true, remaining: 999 })
})

test('a call that a lease does not cover ends it, where its key is blocked', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const [here, there] = [1, 2].map((origin) => times.store(client, { prefix: 'same', lease: 20 }, origin))
  const policy = { name: 'hot', rate: 1000, per: 'hour', burst: 1000 } as const
  const [mine, yours] = [limiterOf(here, policy), limiterOf(there, policy)]
  for (const verb of ['take', 'peek'] as const) {
    for (let i = 0; i < 20; i++) await yours.take(verb)
    await here.block(chargesOf(mine, verb), HOUR)
    t.match(await yours.take(verb), { allowed: true }, 'it holds some')
    t.match(await yours[verb](verb, { cost: 100 }), { blocked: true, retryAfter: HOUR })
    t.match(await yours.take(verb), { blocked: true, retryAfter: HOUR })
  }
})

test('a hot key that is blocked leases nothing, and stays blocked', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { lease: 20, denyCache: 0 })
  const limiter = limiterOf(store, { name: 'hot', rate: 1000, per: 'hour', burst: 1000 })
  await store.block(chargesOf(limiter, 'key'), HOUR)
  for (let i = 0; i < 10; i++) t.match(await limiter.take('key'), { blocked: true, retryAfter: HOUR })
})

test('calls of several processes that are denied at once begin one block', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiters = [1, 2].map((origin) =>
    limiterOf(times.store(client, { prefix: 'same' }, origin), { ...BUCKET, block: GROWING }),
  )
  for (const minutes of [1, 3]) {
    await limiters[0].take('key', { cost: 2 })
    const answers = await Promise.all([...limiters, ...limiters].map((limiter) => limiter.take('key')))
    for (const answer of answers) t.match(answer, { blocked: true, retryAfter: minutes * 60_000 })
    times.advance(minutes * 60_000)
  }
})

test('a lease that is asked for while its key is blocked is none', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { lease: 20 })
  const limiter = limiterOf(store, { name: 'hot', rate: 1000, per: 'hour', burst: 1000 })
  for (let i = 0; i < 15; i++) await limiter.take('key')
  const answers = await Promise.all([
    limiter.take('key'),
    store.block(chargesOf(limiter, 'key'), 1000),
    limiter.take('key'),
    limiter.take('key'),
  ])
  t.match(answers, [{ allowed: true }, undefined, { blocked: true }, { blocked: true }])
  times.advance(1000)
  t.match(await limiter.take('key'), { allowed: true, remaining: 999 })
})

test('policies that block lease nothing: what others hold must not block a key', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(new Times().store(client, { lease: 20 }), { ...BUCKET, rate: 1000, burst: 1000 })
  await limiter.take('key')
  await resetCounts(server)
  for (let i = 0; i < 10; i++) await limiter.take('key')
  t.equal(await scriptsOf(server), 10)
})
