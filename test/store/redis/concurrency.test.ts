import { test } from 'tap'
import { createLimiter } from '../../../lib/index.js'
import type { AsyncStore, Charge, PolicyOptions } from '../../../types/index.js'
import { commandsOf, keysOf, keysWithoutTtl, resetCounts, scriptsOf } from '../../fixtures/redis/monitor.js'
import { chargesOf, limiterOf, serve, storeOf, Times } from './one-server.js'

const WORK: PolicyOptions = { name: 'work', algorithm: 'concurrency', limit: 3, hold: '1 minute' }
const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'minute', burst: 2, block: '1 hour' }

/** Takes, and returns the charge that gives the units back. */
async function begin(store: AsyncStore, charge: Charge): Promise<Charge> {
  await store.take([charge])
  return charge
}

test('units in progress have names of their own, beside those of a window of equal numbers', async (t) => {
  const { client } = await serve(t)
  const store = new Times().store(client, { prefix: 'shop' })
  const name = (policy: PolicyOptions) => createLimiter({ ...policy, name: 'api' }, { store }).storeKey('ann')
  t.match(name(WORK), /^shop:\{0\}:c60000:api:/)
  t.match(name({ ...WORK, limit: 4 }), /:c60000:api#2:/, 'work goes on where only the limit changes')
  t.match(name({ algorithm: 'sliding-window', rate: 3 }), /:w60000:api:/)
})

test('what one process has in progress counts in all, and a unit comes back when any of them gives it back', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const stores = [1, 2].map((origin) => times.store(client, { prefix: 'same' }, origin))
  const limiters = stores.map((store) => limiterOf(store, WORK))
  const charges = limiters.flatMap((limiter) => [chargesOf(limiter, 'key')[0], chargesOf(limiter, 'key')[0]])
  const begun = []
  for (const [i, charge] of charges.entries()) {
    begun.push(await begin(stores[i < 2 ? 0 : 1], charge))
    times.advance(1)
  }
  t.match(begun, [
    { allowed: true, remaining: 2, resetAfter: 1000, renewAfter: 1000 },
    { allowed: true, remaining: 1 },
    { allowed: true, remaining: 0 },
    { allowed: false, remaining: 0, retryAfter: 1000, resetAfter: 1000 },
  ])
  await stores[1].refund([begun[1]])
  await stores[1].refund([begun[1]])
  t.match(await limiters[0].take('key'), { allowed: true, remaining: 0 }, 'once')
  t.match(await limiters[0].take('key'), { allowed: false })
  times.advance(59_996)
  t.match(
    await limiters[0].take('key'),
    { allowed: true },
    'the first was not given back, and is free after its hold',
  )
  t.match(await limiters[1].take('key'), { allowed: false })
  times.advance(60_000)
  t.match(await limiters[1].peek('key', { cost: 0 }), { remaining: 3, resetAfter: 0 })
  t.same(await keysWithoutTtl(server), [])
})

test('a denial is never remembered, as work ends at any time; only a cost that never fits is', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const [here, there] = [1, 2].map((origin) => times.store(client, { prefix: 'same' }, origin))
  const limiter = limiterOf(here, WORK)
  const other = limiterOf(there, WORK)
  const [charge] = chargesOf(other, 'key', 3)
  for (let i = 0; i < 5; i++) {
    await there.take([charge])
    for (const verb of ['take', 'peek', 'take'] as const)
      t.match(await limiter[verb]('key'), { allowed: false, retryAfter: 1000 })
    await there.refund([charge])
    t.match(await limiter.peek('key'), { allowed: true }, 'free at once')
  }
  await resetCounts(server)
  for (let i = 0; i < 5; i++)
    t.match(await limiter.take('key', { cost: 4 }), { retryAfter: Number.POSITIVE_INFINITY })
  t.equal(await scriptsOf(server), 1)
})

test('beside a policy that is blocked, work that has room needs no command', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(new Times().store(client), WORK, BUCKET)
  await limiter.take('key', { cost: 2 })
  t.match(await limiter.take('key'), { violated: ['bucket'], blocked: true })
  await resetCounts(server)
  for (let i = 0; i < 100; i++) t.match(await limiter.take('key'), { violated: ['bucket'], blocked: true })
  t.same(await commandsOf(server), {})
})

test('a denial by another policy has nothing in progress', async (t) => {
  const { client } = await serve(t)
  const store = new Times().store(client)
  const both = limiterOf(store, WORK, { ...BUCKET, block: undefined })
  t.match(await both.take('key', { cost: 2 }), { allowed: true })
  const charges = chargesOf(both, 'key')
  t.equal(await store.take(charges), false)
  t.match(charges, [{ allowed: true, remaining: 1 }, { allowed: false }])
})

/** Gives units back and takes as many again, in one turn. */
function renew(store: AsyncStore, charge: Charge): Promise<boolean> {
  store.refund([{ ...charge }])
  return store.take([charge]) as Promise<boolean>
}

test('a renewal is one script call, so that nobody takes the unit in between', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client)
  const limiter = limiterOf(store, { ...WORK, limit: 1 })
  const charge = await begin(store, chargesOf(limiter, 'key')[0])
  for (let i = 0; i < 5; i++) {
    times.advance(30_000)
    await resetCounts(server)
    t.equal(await renew(store, charge), true)
    t.equal(await scriptsOf(server), 1)
    t.match(await limiter.take('key'), { allowed: false })
  }
  await store.refund([charge])
  t.same(await keysOf(server), new Map())
})

test('renewals of one turn are never torn apart, however many calls there are', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const batches: string[][] = []
  const io = client as unknown as { evalsha(sha: string, keys: number, ...rest: string[]): Promise<unknown> }
  const recording = Object.create(client, {
    evalsha: {
      value: (sha: string, keys: number, ...rest: string[]) => {
        const [, programs] = JSON.parse(rest[keys + 2] ?? '[[],[]]') as [unknown, number[]]
        const verbs: string[] = []
        for (let at = 0; at < programs.length; at += 2 + 4 * programs[at + 1])
          verbs.push(`${programs[at]} ${rest[programs[at + 3] - 1]}`)
        batches.push(verbs)
        return io.evalsha(sha, keys, ...rest)
      },
    },
  }) as typeof client
  const store = times.store(recording)
  const limiter = limiterOf(store, { ...WORK, limit: 200 })
  // Some of one key, some of many keys, and calls in between that move the ends of batches.
  const keys = Array.from({ length: 400 }, (_, i) => (i % 3 === 0 ? 'hot' : `key ${i}`))
  const charges = await Promise.all(keys.map((key) => begin(store, chargesOf(limiter, key)[0])))
  times.advance(1)
  batches.length = 0
  const renewed = await Promise.all(
    charges.flatMap((charge, i) => [
      renew(store, charge),
      ...(i % 7 === 0 ? [limiter.peek(`other ${i}`).then(({ allowed }) => allowed)] : []),
    ]),
  )
  t.ok(renewed.every(Boolean))
  t.ok(batches.length > 4, `${batches.length} script calls`)
  for (const verbs of batches) {
    const first = verbs[0]
    t.notOk(first?.startsWith('1 '), 'no batch begins with a take whose refund is in another')
    for (const [i, verb] of verbs.entries())
      if (verb.startsWith('3 ')) t.equal(verbs[i + 1], `1 ${verb.slice(2)}`)
  }
})

test('while the store does not answer, work in progress counts in this process', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { timeout: 100 })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, WORK)
  await limiter.take('other')
  server.pause()
  const charges = chargesOf(limiter, 'key', 3)
  t.equal(await store.take(charges), true)
  t.match(charges, [{ source: 'local', remaining: 0 }])
  t.match(await limiter.take('key'), { allowed: false, source: 'local', retryAfter: 1000 })
  await store.refund(charges)
  t.match(await limiter.take('key', { cost: 3 }), { allowed: true, source: 'local' })
  server.resume()
})
