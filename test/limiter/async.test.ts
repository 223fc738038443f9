import { test } from 'tap'
import { createLimiter } from '../../lib/index.js'
import type { AsyncLimiter, AsyncStore } from '../../types/index.js'
import { resetCounts, scriptsOf } from '../fixtures/redis/monitor.js'
import { limiterOf, serve, Times } from '../store/redis/one-server.js'

const BUCKET = { name: 'bucket', rate: 60, per: 'minute', burst: 5 } as const
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 3, per: 'minute' } as const

async function set(t: Parameters<typeof serve>[0], ...policies: (typeof BUCKET | typeof WINDOW)[]) {
  const { server, client } = await serve(t)
  const times = new Times()
  return { server, times, limiter: limiterOf(times.store(client, { denyCache: 0 }), ...policies) }
}

test('over a store on a network, every answer is a promise', async (t) => {
  const { limiter } = await set(t, BUCKET)
  t.equal(limiter.sync, false)
  t.equal(limiter.store.sync, false)
  t.match(limiter.policies, [{ name: 'bucket', limit: 5 }])
  for (const answer of [
    limiter.take('key'),
    limiter.peek('key'),
    limiter.refund('key'),
    limiter.reset('key'),
  ]) {
    t.type(answer, Promise)
    await answer
  }
  t.same(await limiter.take('key'), {
    allowed: true,
    policy: 'bucket',
    limit: 5,
    remaining: 4,
    resetAfter: 1000,
  })
})

test('a denial that the process knows already is a promise as well', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(new Times().store(client), BUCKET)
  await limiter.take('key', { cost: 5 })
  await limiter.take('key')
  const answer = limiter.take('key')
  t.type(answer, Promise)
  t.match(await answer, { allowed: false })
})

test('calls in progress at the same time do not change one another', async (t) => {
  const { limiter } = await set(t, BUCKET, WINDOW)
  const decisions = await Promise.all([
    limiter.take('a', { cost: 2 }),
    limiter.take('b'),
    limiter.peek('a', { cost: 0 }),
    limiter.take('a', { cost: 2 }),
    limiter.take('c', { cost: 0 }),
  ])
  t.match(decisions, [
    { allowed: true, policy: 'window', remaining: 1 },
    { allowed: true, policy: 'window', remaining: 2 },
    { allowed: true, policy: 'window', remaining: 1 },
    { allowed: false, policy: 'window', violated: ['window'], remaining: 1 },
    { allowed: true, policy: 'window', remaining: 3 },
  ])
})

test('misuse rejects with the errors of any limiter, and does not ask the store', async (t) => {
  const { server, limiter } = await set(t, BUCKET)
  await limiter.take('warm up')
  await resetCounts(server)
  for (const key of ['', undefined, null, 5, {}, ['a']] as never[]) {
    for (const verb of ['take', 'peek', 'refund', 'reset'] as const) {
      await t.rejects(async () => limiter[verb](key), { code: 'FST_FLOODGATE_KEY' }, `${verb} ${String(key)}`)
    }
  }
  for (const cost of [-1, 0.5, Number.NaN, '1', null, Number.POSITIVE_INFINITY] as never[]) {
    await t.rejects(async () => limiter.take('key', { cost }), { code: 'FST_FLOODGATE_COST' })
    await t.rejects(async () => limiter.peek('key', { cost }), { code: 'FST_FLOODGATE_COST' })
    await t.rejects(async () => limiter.refund('key', cost), { code: 'FST_FLOODGATE_COST' })
  }
  await t.rejects(async () => limiter.take('key', 2 as never), { code: 'FST_FLOODGATE_OPTION' })
  await t.rejects(async () => limiter.take('key', { cots: 2 } as never), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
  })
  t.equal(await scriptsOf(server), 0)
})

test('a failure of the store rejects, and is not a denial', async (t) => {
  const { client } = await serve(t)
  const store = new Times().store(client, { onStoreFailure: 'deny' })
  const limiter: AsyncLimiter = limiterOf(store, BUCKET)
  await (client as unknown as { quit(): Promise<unknown> }).quit()
  await t.rejects(limiter.take('key'), { code: 'FST_FLOODGATE_STORE', statusCode: 503 })
  await t.rejects(limiter.peek('key'), { code: 'FST_FLOODGATE_STORE' })
  await t.rejects(limiter.reset('key'), { code: 'FST_FLOODGATE_STORE' })
  await t.resolves(limiter.refund('key'), 'but for a refund: what does not go back now comes back by itself')
})

test('a store that lacks a verb is refused', async (t) => {
  const { client } = await serve(t)
  const store: AsyncStore = new Times().store(client)
  const verbs = [
    'open',
    'take',
    'peek',
    'refund',
    'reset',
    'stats',
    'storeKey',
    'onStateChange',
    'close',
  ] as const
  for (const verb of verbs) {
    const lame = Object.fromEntries(verbs.filter((name) => name !== verb).map((name) => [name, store[name]]))
    t.throws(() => createLimiter({ name: 'lame' }, { store: { sync: false, ...lame } as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /'store'/,
    })
  }
})
