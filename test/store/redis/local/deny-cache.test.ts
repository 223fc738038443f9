import { test } from 'tap'
import { createLimiter } from '../../../../lib/index.js'
import type { AsyncLimiter, PolicyOptions } from '../../../../types/index.js'
import { commandsOf, resetCounts, scriptsOf } from '../../../fixtures/redis/monitor.js'
import { limiterOf, serve, Times } from '../one-server.js'

const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'minute', burst: 5 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 3, per: 10_000 }

/** Takes until it is denied. */
async function drain(limiter: AsyncLimiter, key = 'key') {
  for (;;) {
    const decision = await limiter.take(key)
    if (!decision.allowed) return decision
  }
}

for (const policies of [[BUCKET], [WINDOW], [BUCKET, WINDOW], [WINDOW, BUCKET]]) {
  const name = policies.map((policy) => policy.name).join(' and ')
  test(`a denied key is denied without a command until its own wait is over: ${name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client), ...policies)
    const { retryAfter } = await drain(limiter)
    await resetCounts(server)
    for (let i = 0; i < 500; i++) await limiter.take('key')
    for (let i = 0; i < 500; i++) await limiter.peek('key')
    times.advance(retryAfter - 1)
    t.match(await limiter.take('key'), { allowed: false, retryAfter: 1 })
    t.same(await commandsOf(server), {})
    times.advance(1)
    t.match(await limiter.take('key'), { allowed: true })
  })

  test(`a denial that is known says what the server would say: ${name}`, async (t) => {
    const { client } = await serve(t)
    const times = new Times()
    const [cached, asking] = [10_000, 0].map((denyCache) =>
      limiterOf(times.store(client, { prefix: 'same', denyCache }), ...policies),
    )
    await cached.take('key')
    times.advance(333.333)
    await cached.take('key')
    for (const step of [0, 0.001, 111.111, 400, 155.555, 0.999, 250, 1000, 3000, 2500]) {
      times.advance(step)
      for (const cost of [1, 2, 3, 1, 4, 6]) {
        const foreseen = await cached.take('key', { cost })
        const known = await cached.peek('key', { cost })
        if (foreseen.allowed) continue
        t.same(foreseen, await asking.take('key', { cost }), `take of ${cost}, ${step} ms later`)
        t.same(known, await asking.peek('key', { cost }), `peek of ${cost}, ${step} ms later`)
      }
    }
  })
}

test('a refund and a reset through the same store lift a denial', async (t) => {
  const { client } = await serve(t)
  for (const policy of [BUCKET, WINDOW]) {
    const limiter = limiterOf(new Times().store(client), policy)
    await drain(limiter)
    await limiter.refund('key')
    t.match(await limiter.take('key'), { allowed: true })
    t.match(await limiter.take('key'), { allowed: false })
    await limiter.reset('key')
    t.match(await limiter.take('key', { cost: 3 }), { allowed: true })
  }
})

test('a refund in the turn of a denial lifts it, whichever comes first', async (t) => {
  const { client } = await serve(t)
  for (const policy of [BUCKET, WINDOW]) {
    const limiter = limiterOf(new Times().store(client), policy)
    await drain(limiter)
    await limiter.reset('key')
    await limiter.take('key', { cost: 3 })
    await limiter.take('key', { cost: policy === BUCKET ? 2 : 0 })
    const [denied, , allowed] = await Promise.all([
      limiter.take('key'),
      limiter.refund('key', 2),
      limiter.take('key'),
    ])
    t.match([denied, allowed], [{ allowed: false }, { allowed: true }])
    t.match(await limiter.take('key'), { allowed: true }, 'nor is the denial remembered')
  }
})

test('what another process gives back is seen when the wait is over, at the latest', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const [here, there] = [1, 2].map((origin) =>
    limiterOf(times.store(client, { prefix: 'same' }, origin), BUCKET),
  )
  await drain(here)
  await there.reset('key')
  t.match(await here.take('key'), { allowed: false, retryAfter: 1000 })
  times.advance(1000)
  t.match(await here.take('key'), { allowed: true, remaining: 4 })
})

for (const policy of [
  { ...BUCKET, rate: 1, per: 'hour' },
  { ...WINDOW, per: 'hour' },
] as PolicyOptions[]) {
  test(`a denial that lasts for long is asked for again after 10 s, and what others gave back is seen then: ${policy.name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const [here, there] = [1, 2].map((origin) =>
      limiterOf(times.store(client, { prefix: 'same' }, origin), policy),
    )
    await drain(here)
    await resetCounts(server)
    for (let round = 1; round <= 3; round++) {
      for (const step of [5000, 4999.999]) {
        times.advance(step)
        t.match(await here.take('key'), { allowed: false })
        t.match(await here.peek('key'), { allowed: false })
        t.equal(await scriptsOf(server), round - 1)
      }
      times.advance(0.001)
      t.match(await here.take('key'), { allowed: false })
      t.equal(await scriptsOf(server), round)
    }
    await there.reset('key')
    times.advance(9999.999)
    t.match(await here.take('key'), { allowed: false }, 'this it does not know yet')
    times.advance(0.001)
    t.match(await here.take('key'), { allowed: true })
  })
}

test('a smaller cost is not denied because a larger one was', async (t) => {
  const { client } = await serve(t)
  for (const policy of [BUCKET, WINDOW]) {
    const limiter = limiterOf(new Times().store(client), policy)
    await limiter.take('key', { cost: 2 })
    t.match(await limiter.take('key', { cost: policy.rate === 3 ? 2 : 4 }), { allowed: false })
    t.match(await limiter.take('key'), { allowed: true })
  }
})

test('of a group only the key that denies is known, and others are asked about without it', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client)
  const both = createLimiter({ name: 'both', policies: [BUCKET, WINDOW] }, { store })
  await drain(both)
  t.match(await both.take('key'), { policy: 'window', violated: ['window'] })
  const other = createLimiter({ name: 'other', policies: [BUCKET] }, { store })
  t.match(await other.take('key'), { allowed: true })
  await resetCounts(server)
  t.match(await both.take('key', { cost: 0 }), { allowed: true, remaining: 0 })
  t.equal(await scriptsOf(server), 1)
})

for (const policy of [BUCKET, WINDOW, { ...BUCKET, rate: 0, burst: undefined }, { ...WINDOW, rate: 0 }]) {
  test(`a cost that never fits is asked about once a second at most: ${policy.rate} in a ${policy.name}`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client), policy)
    await limiter.take('warm up', { cost: 0 })
    await resetCounts(server)
    for (let i = 0; i < 40; i++) {
      const answer = await limiter.take('key', { cost: 10 })
      t.match(answer, {
        allowed: false,
        retryAfter: Number.POSITIVE_INFINITY,
        remaining: policy.rate && answer.limit,
      })
      times.advance(100)
    }
    t.equal(await scriptsOf(server), 4)
  })
}

test('a store without a deny cache asks every time', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(new Times().store(client, { denyCache: 0 }), BUCKET)
  await drain(limiter)
  await resetCounts(server)
  for (let i = 0; i < 10; i++) await limiter.take('key')
  t.equal(await scriptsOf(server), 10)
})

test('no more keys are known than the cache holds, and those denied last are among them', async (t) => {
  const { server, client } = await serve(t)
  for (const denyCache of [1, 2, 7, 100]) {
    const limiter = limiterOf(new Times().store(client, { denyCache }), { rate: 1, per: 'hour', burst: 1 })
    const keys = Array.from({ length: 400 }, (_, i) => `key ${i}`)
    await Promise.all(keys.map((key) => limiter.take(key)))
    await Promise.all(keys.map((key) => limiter.take(key)))
    await resetCounts(server)
    const asked: number[] = []
    for (let i = 399; i >= 0; i--) {
      const before = await scriptsOf(server)
      await limiter.peek(`key ${i}`, { cost: 1 })
      if ((await scriptsOf(server)) > before) asked.push(i)
      // What was asked is known from then on, in the place of another.
      if (asked.length > 0) break
    }
    const known = 399 - (asked[0] ?? -1)
    t.ok(known <= denyCache, `${known} known of ${denyCache}`)
    t.ok(known >= Math.floor(denyCache / 2), `${known} known of ${denyCache}`)
  }
})
