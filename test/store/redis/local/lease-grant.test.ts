import { test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import { newCharge } from '../../../../lib/store/index.js'
import type { Bucket, Charge } from '../../../../types/index.js'
import { limiterOf, serve, Times } from '../one-server.js'

const BURST = 1000
const BUCKET = { rate: 100, per: 'second', burst: BURST } as const

/** Processes with leases of that many units, or with none, on one bucket. */
function party(client: RedisClient, ...leases: number[]) {
  const times = new Times()
  const members = leases.map((lease, i) => {
    const store = times.store(client, { prefix: 'slots', lease, denyCache: 0 }, i)
    const limiter = limiterOf(store, BUCKET)
    const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
    const chargeOf = (cost: number): Charge => ({ ...newCharge(bucket), key: 'key', cost })
    const take = async (cost = 1) => (await limiter.take('key', { cost })).allowed
    const left = async () => (await limiter.peek('key', { cost: 0 })).remaining
    const warmUp = async () => {
      for (let i = 0; i < 128; i++) await take()
    }
    return { store, limiter, chargeOf, take, left, warmUp }
  })
  return { times, members }
}

type Member = ReturnType<typeof party>['members'][number]

/** Units that all together are admitted at this very instant. */
async function admittedNow(asking: Member, holding: Member): Promise<number> {
  const all = await asking.left()
  let units = (await asking.take(all)) ? all : 0
  while (await holding.take()) units++
  while (await asking.take()) units++
  return units
}

test('a lease that comes back while another holds later slots lets nobody have more than the burst at once', async (t) => {
  const { client } = await serve(t)
  const { times, members } = party(client, 1, 100, 100)
  const [asking, early, late] = members
  await asking.take(200)
  await early.warmUp()
  await late.warmUp()
  const before = await asking.left()
  await early.store.close()
  t.equal(await asking.left(), before, 'its units lie below those of the other, and come back with time')
  for (let ms = 50; ms <= 5550; ms += 50) {
    times.advance(50)
    // Often enough that the lease is not given up.
    if (ms % 400 === 0) await late.take()
  }
  const units = await admittedNow(asking, late)
  t.ok(units <= BURST, `${units} at one instant`)
})

test('a refund of what was charged before a lease lets nobody have more than the burst at once', async (t) => {
  const { client } = await serve(t)
  const { times, members } = party(client, 1, 100)
  const [asking, holding] = members
  await asking.take(400)
  const charge = asking.chargeOf(100)
  await asking.store.take([charge])
  await holding.warmUp()
  const before = await asking.left()
  await asking.store.refund([charge])
  t.equal(await asking.left(), before, 'it gives nothing back')
  for (let ms = 50; ms <= 6200; ms += 50) {
    times.advance(50)
    if (ms % 400 === 0) await holding.take()
  }
  const units = await admittedNow(asking, holding)
  t.ok(units <= BURST, `${units} at one instant`)
})

test('a refund gives back what lies after the last leased slot, and no more', async (t) => {
  const { client } = await serve(t)
  const { members } = party(client, 1, 100)
  const [asking, holding] = members
  await holding.warmUp()
  const leased = await asking.left()
  const charge = asking.chargeOf(50)
  await asking.store.take([charge])
  const later = asking.chargeOf(30)
  await asking.store.take([later])
  t.equal(await asking.left(), leased - 80)
  await asking.store.refund([{ ...charge, cost: 200 }])
  t.equal(await asking.left(), leased)
  await asking.store.refund([later])
  await asking.limiter.refund('key', 500)
  t.equal(await asking.left(), leased)
})

test('once its slots are past, a lease keeps no refund from its units', async (t) => {
  const { client } = await serve(t)
  const { times, members } = party(client, 1, 100)
  const [asking, holding] = members
  await holding.warmUp()
  times.advance(((BURST - (await asking.left())) * 1000) / BUCKET.rate)
  t.equal(await asking.left(), BURST)
  const charge = asking.chargeOf(100)
  await asking.store.take([charge])
  await asking.store.refund([charge])
  t.equal(await asking.left(), BURST)
})

test('the last lease goes back whole, and the one before it may then be the last', async (t) => {
  const { client } = await serve(t)
  const { members } = party(client, 1, 100, 100)
  const [asking, early, late] = members
  await early.warmUp()
  const one = await asking.left()
  await late.warmUp()
  const spent = 128
  await late.store.close()
  const afterLate = await asking.left()
  t.ok(afterLate <= one - spent && afterLate >= one - spent - 1, `${afterLate} left of ${one}`)
  t.ok(await early.take(), 'and its units are still good')
})

test('a refund of a unit whose slot has begun is not spent a second time', async (t) => {
  const { client } = await serve(t)
  const { times, members } = party(client, 1, 20)
  const [asking, holding] = members
  for (let i = 0; i < 31; i++) await holding.take()
  // It goes with 19 units that are leased after it.
  const first = holding.chargeOf(1)
  t.equal(await holding.store.take([first]), true)
  times.advance(10 * (BURST - (await asking.left()) - 5))
  t.equal(await asking.left(), BURST - 5)
  for (let i = 0; i < 5; i++)
    t.ok(holding.store.take([holding.chargeOf(1)]) === true, 'at once, from the lease')
  await holding.store.refund([first])
  const units = 5 + (await admittedNow(asking, holding))
  t.ok(units <= BURST, `${units} at one instant`)
})

test('refunds of a lease free the slots of their own units, each once', async (t) => {
  const { client } = await serve(t)
  const { times, members } = party(client, 1, 20)
  const [asking, holding] = members
  for (let i = 0; i < 31; i++) await holding.take()
  await holding.store.take([holding.chargeOf(1)])
  const before = await asking.left()
  const spent = Array.from({ length: 19 }, () => holding.chargeOf(1))
  for (const charge of spent) t.equal(holding.store.take([charge]), true)
  t.equal(new Set(spent.map(({ chargedAt }) => chargedAt)).size, 19)
  for (const charge of [spent[3], spent[12], spent[3], spent[11]]) await holding.store.refund([{ ...charge }])
  const pair = holding.chargeOf(2)
  const single = holding.chargeOf(1)
  t.equal(holding.store.take([single]), true)
  t.equal(single.chargedAt, spent[3].chargedAt, 'the earliest slot is taken first')
  t.equal(holding.store.take([pair]), true, 'two that follow each other')
  t.equal(pair.chargedAt, spent[12].chargedAt)
  await holding.store.refund([pair])
  // The two last slots but six are free; the lease ends with used ones, so that nothing goes back to the
  // store but its renewal.
  times.advance(1)
  t.ok((await asking.left()) < before)
  await holding.store.close()
  t.equal(await asking.left(), before)
})
