import { type Test, test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import { newCharge } from '../../../../lib/store/index.js'
import type { Bucket, Charge } from '../../../../types/index.js'
import { commandsOf, resetCounts } from '../../../fixtures/redis/monitor.js'
import { limiterOf, serve, Times, turn } from '../one-server.js'

const BURST = 1000
const BUCKET = { rate: 3600, per: 'hour', burst: BURST } as const
const LEASE = 20
/** Units that are left when a lease of 20 is renewed. */
const LOW = 5
/** Units that have been spent when it holds the most, and what it holds then. */
const SPENT = 32
const HELD = LEASE - 1

/** A process that holds 19 units of a key, the most, and one that holds none and sees what is left. */
async function party(client: RedisClient) {
  const times = new Times()
  const store = times.store(client, { prefix: 'renewal', lease: LEASE, denyCache: 0 })
  const limiter = limiterOf(store, BUCKET)
  const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
  const other = limiterOf(times.store(client, { prefix: 'renewal', denyCache: 0 }), BUCKET)
  const left = async () => (await other.peek('key', { cost: 0 })).remaining
  const ask = (cost = 1) => {
    const charge: Charge = { ...newCharge(bucket), key: 'key', cost }
    return { charge, answer: store.take([charge]) }
  }
  /** Spends units of the lease, and returns their charges. */
  const spend = (t: Test, units: number) =>
    Array.from({ length: units }, () => {
      const { charge, answer } = ask()
      t.equal(answer, true, 'at once, from the lease')
      return charge
    })
  // In one go, so that nothing is renewed before it is used up: the last of them fills the lease.
  for (let i = 0; i < SPENT; i++) await limiter.take('key')
  return { times, store, limiter, other, left, ask, spend }
}

test('a lease is renewed before it is used up: under a steady load nobody waits for the store', async (t) => {
  const { client } = await serve(t)
  const { ask, left } = await party(client)
  for (let i = 1; i <= 300; i++) {
    const { charge, answer } = ask()
    t.equal(answer, true)
    t.equal(charge.remaining, BURST - SPENT - i, 'what is held counts as left')
    const held = BURST - SPENT - i - (await left())
    t.ok(held > 0 && held < LEASE, `${held} units held`)
  }
})

test('what is held grows with the load, each time to twice as much', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'renewal', lease: LEASE }), BUCKET)
  const other = limiterOf(times.store(client, { prefix: 'renewal', denyCache: 0 }), BUCKET)
  const held: number[] = []
  for (let i = 1; i <= 60; i++) {
    await limiter.take('key')
    // A renewal departs with the first of them.
    await turn(client)
    held.push(BURST - i - (await other.peek('key', { cost: 0 })).remaining)
  }
  t.same(held.slice(0, 13), [0, 1, 0, 3, 2, 7, 6, 5, 4, 3, 15, 14, 13])
  t.equal(Math.max(...held), LEASE - 1)
})

test('a unit that is refunded goes back to its own slot, in whichever block that is', async (t) => {
  const { server, client } = await serve(t)
  const { store, spend, left } = await party(client)
  const early = spend(t, HELD - LOW)
  await turn(client)
  t.equal(await left(), BURST - SPENT - HELD - (HELD - LOW), 'it is full again')
  await resetCounts(server)
  const late = spend(t, LOW + 1)
  t.ok(late[LOW].chargedAt > late[LOW - 1].chargedAt, 'the older block is spent first')
  for (const charge of [late[LOW], early[3]]) await store.refund([{ ...charge }])
  t.same(await commandsOf(server), {})
  const [first, second] = spend(t, 2)
  t.same([first.chargedAt, second.chargedAt], [early[3].chargedAt, late[LOW].chargedAt])
  const stamps = [...early, ...late, ...spend(t, 7)].map(({ chargedAt }) => chargedAt)
  t.equal(new Set(stamps).size, stamps.length, 'no slot is used twice')
})

test('units of one call come from one block', async (t) => {
  const { client } = await serve(t)
  const { other, ask, spend } = await party(client)
  // What lies between two blocks keeps them apart.
  await other.take('key')
  spend(t, HELD - LOW)
  await turn(client)
  const { charge, answer } = ask(LOW + 1)
  t.equal(answer, true, 'the older one has too few')
  const [next] = spend(t, 1)
  t.ok(next.chargedAt < charge.chargedAt)
})

test('all that is held goes back at close, unless somebody else was charged in between', async (t) => {
  for (const cost of [0, 2]) {
    const { client } = await serve(t)
    const { store, other, spend, left } = await party(client)
    await other.take('key', { cost })
    spend(t, HELD - LOW)
    await turn(client)
    await store.close()
    t.equal(await left(), BURST - SPENT - (HELD - LOW) - cost - (cost === 0 ? 0 : LOW))
  }
})

test('a renewal that is under way at close goes back as well', async (t) => {
  const { client } = await serve(t)
  const { store, spend, left } = await party(client)
  spend(t, HELD - LOW)
  await store.close()
  t.equal(await left(), BURST - SPENT - (HELD - LOW))
})

test('units that are given back before a renewal departs are not asked for', async (t) => {
  const { client } = await serve(t)
  const { store, spend, left } = await party(client)
  for (const charge of spend(t, HELD - LOW)) await store.refund([charge])
  await turn(client)
  t.equal(await left(), BURST - SPENT - HELD - 1, 'but one, for a call that asks asks for something')
})

test('a renewal does not go with calls to its key that are no simple takes, and charges nothing', async (t) => {
  for (const isLater of [true, false]) {
    const { client } = await serve(t)
    const { other, limiter, spend, left, ask } = await party(client)
    // The newest units lie in the lease, so that it gives nothing back.
    const refund = () => limiter.refund('key')
    if (isLater) {
      spend(t, HELD - LOW)
      await refund()
    } else {
      const pending = refund()
      spend(t, HELD - LOW)
      await pending
    }
    t.equal(await left(), BURST - SPENT - HELD)
    // It is not asked for again while anything is held.
    spend(t, LOW)
    const { answer } = ask()
    t.not(answer, true)
    t.equal(await answer, true)
    t.match(await other.peek('key', { cost: 0 }), { remaining: BURST - SPENT - HELD - 1 - HELD })
  }
})

test('where a renewal fails, what is held is spent', async (t) => {
  const { client } = await serve(t)
  const { spend, ask } = await party(client)
  const io = client as unknown as { evalsha(...args: unknown[]): Promise<unknown> }
  const failing = t.intercept(io, 'evalsha', { value: () => Promise.reject(new Error('no')) })
  spend(t, HELD - LOW)
  await turn(client)
  t.equal(failing().length, 1)
  spend(t, LOW)
  await turn(client)
  t.equal(failing().length, 0, 'it is not tried again while anything is held')
  const { charge, answer } = ask()
  await answer
  t.equal(charge.source, 'local')
})

test('no renewal is sent to a store that is down', async (t) => {
  const { client } = await serve(t)
  const { store, limiter, spend } = await party(client)
  const io = client as unknown as { evalsha(...args: unknown[]): Promise<unknown> }
  const failing = t.intercept(io, 'evalsha', { value: () => Promise.reject(new Error('no')) })
  store.onStateChange(() => {})
  for (let i = 0; i < 5; i++) await limiter.take(`other ${i}`)
  t.equal(failing().length, 5)
  spend(t, HELD)
  await turn(client)
  t.equal(failing().length, 0)
})
