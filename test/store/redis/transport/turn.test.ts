import { test } from 'tap'
import { createLimiter } from '../../../../lib/index.js'
import { newCharge } from '../../../../lib/store/index.js'
import type { Charge, Decision } from '../../../../types/index.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { commandsOf, resetCounts, scriptsOf } from '../../../fixtures/redis/monitor.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { clientOf, limiterOf, serve, storeOf, Times } from '../one-server.js'

const BUCKET = { name: 'bucket', rate: 60, per: 'minute', burst: 5 } as const
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 3, per: 'minute' } as const
const WRITES = ['set', 'incrby', 'setrange', 'del', 'pexpireat', 'pexpire', 'expire']

for (const flavour of clients) {
  test(`all calls of one turn of the event loop are one script call: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const store = storeOf(await clientOf(t, server, {}, flavour))
    const [one, both] = [limiterOf(store, BUCKET), limiterOf(store, BUCKET, WINDOW)]
    await one.take('warm up')
    await resetCounts(server)
    await Promise.all([
      ...Array.from({ length: 10 }, (_, i) => one.take(`key ${i}`)),
      ...Array.from({ length: 10 }, (_, i) => both.take(`key ${i}`, { cost: i % 3 })),
      both.peek('key 1'),
      one.refund('key 2'),
      both.reset('key 3'),
    ])
    t.equal(await scriptsOf(server), 1)
    await Promise.all([one.take('a'), one.take('b')])
    t.equal(await scriptsOf(server), 2, 'the next turn is another')
    await both.take('c')
    t.equal(await scriptsOf(server), 3, 'and a request with several policies is one')
    const { evalsha } = await commandsOf(server)
    t.equal(evalsha.failed, 0)
  })
}

test('a denied call writes nothing, nor does a peek or a take of nothing', async (t) => {
  const { server, client } = await serve(t)
  const limiters = [[BUCKET], [WINDOW], [BUCKET, WINDOW], [WINDOW, BUCKET]].map((policies) =>
    limiterOf(storeOf(client, { denyCache: 0 }), ...policies),
  )
  for (const limiter of limiters) await limiter.take('key', { cost: 3 })
  await resetCounts(server)
  for (const limiter of limiters) {
    t.match(await limiter.take('key', { cost: 4 }), { allowed: false })
    await limiter.peek('key')
    await limiter.take('key', { cost: 0 })
    await limiter.peek('other')
    await limiter.take('other', { cost: 0 })
    await limiter.refund('other', 1)
    await limiter.refund('key', 0)
  }
  const counts = await commandsOf(server)
  t.same(
    WRITES.filter((name) => counts[name] !== undefined),
    [],
  )
  t.equal(await scriptsOf(server), 24, 'a refund of nothing asks nobody')
})

test('one client of the flood that is denied in a batch does not keep the others from being charged', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client, { denyCache: 0 }), BUCKET)
  await limiter.take('greedy', { cost: 5 })
  await resetCounts(server)
  const keys = ['a', 'greedy', 'b', 'greedy', 'c']
  const allowed = (await Promise.all(keys.map((key) => limiter.take(key)))).map(
    (decision) => decision.allowed,
  )
  t.same(allowed, [true, false, true, false, true])
  t.equal((await commandsOf(server)).set.calls, 3)
})

test('more keys in a turn than a script call may touch are several calls, in their order', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { rate: 1, per: 'hour', burst: 1 })
  await limiter.take('warm up')
  await resetCounts(server)
  const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`)
  const first = await Promise.all([...keys, ...keys].map((key) => limiter.take(key)))
  t.ok(first.slice(0, 200).every((decision) => decision.allowed))
  t.notOk(
    first.slice(200).some((decision) => decision.allowed),
    'the second take of each key came second',
  )
  t.equal(await scriptsOf(server), Math.ceil(400 / 64))
})

test('more keys than a script call may touch are spread evenly, so that client and server need not take turns', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client), BUCKET)
  await limiter.take('warm up')
  const calls: number[] = []
  const io = client as unknown as { evalsha(sha: string, keys: number, ...rest: string[]): Promise<unknown> }
  const evalsha = io.evalsha.bind(io)
  t.intercept(io, 'evalsha', {
    value: (sha: string, keys: number, ...rest: string[]) => {
      calls.push(keys)
      return evalsha(sha, keys, ...rest)
    },
  })
  await resetCounts(server)
  await Promise.all(Array.from({ length: 100 }, (_, i) => limiter.take(`key ${i}`)))
  t.same(calls, [50, 50])
  await Promise.all(Array.from({ length: 64 }, (_, i) => limiter.take(`key ${i}`)))
  t.equal(await scriptsOf(server), 3)
})

test('many takes from one bucket in a turn are one script call, in their order', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { rate: 600, per: 'hour', burst: 600 })
  await limiter.take('warm up')
  await resetCounts(server)
  const decisions = await Promise.all(Array.from({ length: 1000 }, () => limiter.take('key')))
  t.same(
    decisions.map((decision) => decision.allowed),
    decisions.map((_, i) => i < 600),
  )
  t.same(
    decisions.slice(0, 600).map((decision) => decision.remaining),
    Array.from({ length: 600 }, (_, i) => 599 - i),
  )
  t.equal(await scriptsOf(server), 1)
})

test('many calls about one window in a turn are few script calls, in their order', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { algorithm: 'sliding-window', rate: 600, per: 'hour' })
  await limiter.take('warm up')
  await resetCounts(server)
  const decisions = await Promise.all(Array.from({ length: 1000 }, () => limiter.take('key')))
  t.same(
    decisions.map((decision) => decision.remaining),
    Array.from({ length: 1000 }, (_, i) => Math.max(0, 599 - i)),
  )
  t.equal(await scriptsOf(server), 4)
})

test('takes of one bucket that cost different, or go with other calls of its key, keep their order', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { ...BUCKET, burst: 20 })
  await limiter.take('warm up')
  await resetCounts(server)
  const costs = [1, 1, 2, 1, 0, 3, 1]
  const takes = costs.map((cost) => limiter.take('key', { cost }))
  const simple = [limiter.take('other'), limiter.take('other')]
  const rest = [limiter.peek('key', { cost: 0 }), limiter.take('key'), limiter.take('key')]
  const used = async (decisions: Promise<Decision>[]) =>
    (await Promise.all(decisions)).map(({ remaining }) => 20 - remaining)
  t.same(await used([...takes, ...rest]), [1, 2, 4, 5, 5, 8, 9, 9, 10, 11])
  t.same(await used(simple), [1, 2])
  t.equal(await scriptsOf(server), 1)
})

test('a call about more keys than a script call may touch is decided all the same, at once', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client)
  const limiters = Array.from({ length: 100 }, (_, i) =>
    createLimiter({ ...BUCKET, name: `l${i}` }, { store }),
  )
  const charges = limiters.map((limiter): Charge => {
    const bucket = (limiter as unknown as { buckets: Charge['bucket'][] }).buckets[0]
    return { ...newCharge(bucket), key: 'key' }
  })
  t.equal(await store.take(charges), true)
  await limiters[50].take('key', { cost: 4 })
  await resetCounts(server)
  t.equal(await store.take(charges), false, 'one denies')
  t.equal(await scriptsOf(server), 1)
  t.equal((await limiters[99].peek('key')).remaining, 4, 'and none is charged')
})

test('runs of different policies and costs in one batch are each decided by their own', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const store = times.store(client)
  const limiters = [1, 2, 3, 4].map((burst) =>
    createLimiter({ name: `l${burst}`, rate: 7, per: 'minute', burst }, { store }),
  )
  const calls = Array.from({ length: 48 }, (_, i) => ({
    limiter: limiters[i % 4],
    cost: (i >> 2) % 3,
    key: `key ${i}`,
  }))
  const decisions = await Promise.all(calls.map(({ limiter, key, cost }) => limiter.take(key, { cost })))
  for (const [i, decision] of decisions.entries()) {
    const { cost, limiter } = calls[i]
    const { limit } = limiter.policies[0]
    const allowed = cost <= limit
    t.match(decision, { allowed, limit, remaining: allowed ? limit - cost : limit })
  }
})

test('a group that denies charges none of its keys, in a batch with others that charge the same keys', async (t) => {
  const { client } = await serve(t)
  const store = storeOf(client)
  const [bucket, window] = [limiterOf(store, BUCKET), limiterOf(store, WINDOW)]
  const charges = () =>
    [bucket, window].map((limiter): Charge => {
      const [opened] = (limiter as unknown as { buckets: Charge['bucket'][] }).buckets
      return { ...newCharge(opened), key: 'key', cost: 2 }
    })
  const answers = await Promise.all([
    store.take(charges()),
    window.take('key'),
    store.take(charges()),
    bucket.take('key', { cost: 3 }),
    bucket.take('key'),
  ])
  t.match(answers, [
    true,
    { allowed: true, remaining: 0 },
    false,
    { allowed: true, remaining: 0 },
    { allowed: false },
  ])
})

test('a policy with a rate of 0 denies for ever, and no policy beside it is charged', async (t) => {
  const { client } = await serve(t)
  const never = { name: 'never', rate: 0 }
  for (const other of [BUCKET, WINDOW]) {
    for (const policies of [
      [never, other],
      [other, never],
    ]) {
      const limiter = limiterOf(storeOf(client, { denyCache: 0 }), ...policies)
      t.match(await limiter.take('key'), {
        allowed: false,
        policy: 'never',
        retryAfter: Number.POSITIVE_INFINITY,
      })
      await limiter.take('key')
      const store = limiter.store
      const [opened] = (limiter as unknown as { buckets: Charge['bucket'][] }).buckets.filter(
        (b) => b.policy.name !== 'never',
      )
      const charge = { ...newCharge(opened), key: 'key' }
      await store.peek([charge])
      t.equal(charge.remaining, other === BUCKET ? 5 : 3, policies.map(({ name }) => name).join(' and '))
    }
  }
})

test('units given back that no longer count leave a growing window as it is', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client), { ...WINDOW, rate: 20, per: 1000 })
  const [bucket] = (limiter as unknown as { buckets: Charge['bucket'][] }).buckets
  const old: Charge = { ...newCharge(bucket), key: 'key' }
  await limiter.store.take([old])
  for (let i = 1; i < 8; i++) {
    times.advance(100)
    await limiter.take('key')
  }
  times.advance(450)
  // Two units have gone; as many fill a ring of 8 slots that does not begin at its first.
  await limiter.take('key', { cost: 2 })
  await Promise.all([limiter.take('key'), limiter.store.refund([{ ...old }])])
  t.match(await limiter.peek('key', { cost: 20 }), { remaining: 11, retryAfter: 1000 })
  t.match(await limiter.peek('key', { cost: 12 }), { retryAfter: 50 })
  times.advance(999)
  t.match(await limiter.peek('key', { cost: 0 }), { remaining: 17, resetAfter: 1 }, 'the last three are left')
})
