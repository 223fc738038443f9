import { test } from 'tap'
import { createLimiter } from '../../../lib/index.js'
import { newCharge } from '../../../lib/store/index.js'
import type { PolicyOptions } from '../../../types/index.js'
import { resetCounts, scriptsOf } from '../../fixtures/redis/monitor.js'
import { limiterOf, serve, storeOf, Times } from './one-server.js'

/** One unit a second, of which two are there at once, and two more may be promised. */
const HELD: PolicyOptions = { name: 'held', rate: 60, per: 'minute', burst: 2, wait: '2 seconds' }
/** A law that counts in thirds of a microsecond. */
const FINE: PolicyOptions = { name: 'fine', rate: 3, per: 'second', burst: 3, wait: '1 second' }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 5, per: 'minute' }

test('a law that holds calls has a name of its own', async (t) => {
  const { client } = await serve(t)
  const store = new Times().store(client, { prefix: 'shop' })
  const name = (policy: PolicyOptions) => createLimiter({ ...policy, name: 'api' }, { store }).storeKey('ann')
  t.match(name(HELD), /^shop:\{0\}:b2-1000\+2000:api:/)
  t.match(name(FINE), /^shop:\{0\}:b3-1000\/3\+1000:api:/)
  t.match(name({ ...HELD, wait: 0.001 }), /:b2-1000\+0\.001:/)
})

for (const policies of [[HELD], [HELD, WINDOW]]) {
  const names = policies.map((policy) => policy.name).join(' and ')
  test(`calls of several processes are held in their order, and each for as long as it must: ${names}`, async (t) => {
    const { client } = await serve(t)
    const times = new Times()
    const limiters = [1, 2, 3].map((origin) =>
      limiterOf(times.store(client, { prefix: 'same', denyCache: 0 }, origin), ...policies),
    )
    const delays: (number | undefined)[] = []
    for (const limiter of [...limiters, limiters[0]]) {
      const decision = await limiter.take('key')
      delays.push(decision.allowed ? decision.delay : -1)
    }
    t.same(delays, [undefined, undefined, 1000, 2000])
    t.match(await limiters[1].take('key'), { allowed: false, retryAfter: 1000, remaining: 0 })
    times.advance(999.999)
    t.match(await limiters[1].peek('key'), { allowed: false, retryAfter: 1 })
    times.advance(0.001)
    t.match(await limiters[1].peek('key'), { allowed: true, delay: 2000, remaining: 0 })
    t.match(await limiters[1].take('key'), { allowed: true, delay: 2000, remaining: 0 })
    await limiters[2].refund('key')
    t.match(await limiters[1].take('key'), { allowed: true, delay: 2000 }, 'who leaves makes room')
  })
}

test('the first in a turn are held the least, and a cost of several units until the last of them is there', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client), FINE)
  const turn = await Promise.all(Array.from({ length: 7 }, () => limiter.take('key')))
  t.same(
    turn.map((decision) => (decision.allowed ? (decision.delay ?? 0) : 'denied')),
    [0, 0, 0, 334, 667, 1000, 'denied'],
  )
  times.advance(1000)
  t.match(await limiter.take('key', { cost: 3 }), { allowed: true, delay: 1000 })
  t.match(await limiter.take('key', { cost: 0 }), { allowed: true, delay: undefined })
})

test('a cost above the burst is never allowed, however long a call may be held', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const never = { allowed: false, retryAfter: Number.POSITIVE_INFINITY }
  const patient = { ...HELD, wait: '1 minute' } as const
  for (const policies of [[patient], [patient, WINDOW]]) {
    const limiter = limiterOf(times.store(client), ...policies)
    t.match(await limiter.take('key', { cost: 3 }), never)
    t.match(await limiter.peek('key', { cost: 3 }), never)
    const turn = await Promise.all([
      limiter.take('key', { cost: 3 }),
      limiter.take('key', { cost: 1 }),
      limiter.take('key', { cost: 62 }),
      limiter.peek('key', { cost: 3 }),
    ])
    t.match(turn, [never, { allowed: true, remaining: 1 }, never, never])
  }
})

test('a key that is charged twice at once is held for both, and never for more than its burst', async (t) => {
  const { client } = await serve(t)
  const store = new Times().store(client)
  const limiter = createLimiter({ name: 'tested', policies: [HELD] }, { store })
  const [bucket] = (limiter as unknown as { buckets: Parameters<typeof newCharge>[0][] }).buckets
  const charges = [1, 0, 1].map((cost) => ({ ...newCharge(bucket), key: 'key', cost }))
  t.equal(await store.take(charges), true)
  t.equal(await store.take(charges), true)
  t.match(charges, [{ delay: 1000 }, { delay: 0 }, { delay: 2000 }])
  t.equal(await store.take(charges.map((charge) => ({ ...charge, cost: 1 }))), false)
})

test('a denial is remembered until the call would be held, and no longer', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client), HELD)
  for (let i = 0; i < 4; i++) await limiter.take('key')
  t.match(await limiter.take('key'), { allowed: false, retryAfter: 1000 })
  await resetCounts(server)
  times.advance(999)
  t.match(await limiter.take('key'), { allowed: false, retryAfter: 1 })
  t.equal(await scriptsOf(server), 0)
  times.advance(1)
  t.match(await limiter.take('key'), { allowed: true, delay: 2000 })
})

test('a server whose clock steps back counts the bucket as emptied and promised, and goes on from there', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { denyCache: 0 }), HELD)
  await limiter.take('key')
  times.server -= 3_600_000_000
  t.match(await limiter.take('key'), { allowed: false, retryAfter: 1000, resetAfter: 4000 })
  times.advance(1000)
  t.match(await limiter.take('key'), { allowed: true, delay: 2000 })
})

test('policies that hold calls lease nothing', async (t) => {
  const { server, client } = await serve(t)
  const store = new Times().store(client, { lease: 20 })
  const limiter = limiterOf(store, { ...HELD, rate: 1000, burst: 1000 })
  await limiter.take('key')
  await resetCounts(server)
  for (let i = 0; i < 10; i++) await limiter.take('key')
  t.equal(await scriptsOf(server), 10)
})

test('while the store does not answer, calls are held by the laws of this process', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { timeout: 100, instances: 2 })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, { ...HELD, per: 'hour', wait: '1 minute' })
  await limiter.take('other')
  server.pause()
  t.teardown(() => server.resume())
  const answers = await Promise.all([1, 2].map(() => limiter.take('key')))
  t.match(answers, [
    { allowed: true, source: 'local' },
    { allowed: false, source: 'local' },
  ])
  const shorter = limiterOf(store, { ...HELD, wait: '1 minute' })
  const held = await Promise.all([1, 2, 3].map(() => shorter.take('key')))
  t.same(
    held.map((decision) => decision.allowed && (decision.delay ?? 0) > 0),
    [false, true, true],
  )
})
