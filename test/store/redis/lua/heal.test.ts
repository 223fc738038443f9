import { test } from 'tap'
import type { PolicyOptions } from '../../../../types/index.js'
import { bytesOf } from '../../../fixtures/redis/monitor.js'
import { limiterOf, serve, Times } from '../one-server.js'

const HOUR = 3_600_000
const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'minute', burst: 5 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 5, per: 5000 }

for (const policy of [BUCKET, WINDOW]) {
  test(`a server whose clock steps back an hour counts the ${policy.name} as just emptied, and goes on from there`, async (t) => {
    const { client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client, { denyCache: 0 }), policy)
    await limiter.take('key', { cost: 5 })
    times.server -= HOUR * 1000
    t.match(await limiter.take('key'), { allowed: false, remaining: 0, resetAfter: 5000 })
    const wait = policy === BUCKET ? 1000 : 5000
    times.advance(wait - 1)
    t.match(await limiter.take('key'), { allowed: false, retryAfter: 1 })
    times.advance(1)
    t.match(await limiter.take('key'), { allowed: true, remaining: policy === BUCKET ? 0 : 4 })
  })
}

test('a bucket that was charged a little counts as emptied after a step back: what it owed is not known', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { denyCache: 0 }), BUCKET)
  await limiter.take('key')
  times.server -= HOUR * 1000
  t.match(await limiter.peek('key', { cost: 0 }), { remaining: 0, resetAfter: 5000 })
})

test('a window slides into the past whole: its units keep their distances, in one write of its head', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { denyCache: 0 }), { ...WINDOW, rate: 3 })
  for (const pause of [1000, 1500, 0]) {
    await limiter.take('key')
    times.advance(pause)
  }
  const slots = () => server.bytes('GETRANGE', limiter.storeKey('key'), 26, -1)
  const before = await slots()
  for (let i = 0; i < 3; i++) {
    times.server -= HOUR * 1000
    t.match(
      await limiter.take('key'),
      { allowed: false, retryAfter: 2500, resetAfter: 5000 },
      'newest unit: now',
    )
  }
  t.equal(await slots(), before)
  times.advance(2499)
  t.match(await limiter.take('key'), { allowed: false, retryAfter: 1 })
  times.advance(1)
  t.match(await limiter.take('key'), { allowed: true, remaining: 0 })
  times.advance(999)
  t.match(await limiter.take('key'), { allowed: false, retryAfter: 1 })
  times.advance(1)
  t.match(await limiter.take('key'), { allowed: true })
  times.advance(1500)
  t.match(
    await limiter.take('key'),
    { allowed: true, remaining: 0 },
    'the third unit left 5 s after the step',
  )
})

test('a step back is written down, so that a denied key is not locked out by it', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  for (const policy of [BUCKET, WINDOW]) {
    const limiter = limiterOf(times.store(client, { denyCache: 0 }), policy)
    await limiter.take('key', { cost: 5 })
    times.server -= HOUR * 1000
    await limiter.take('key')
    const expires = Number(await server.command('PEXPIRETIME', limiter.storeKey('key')))
    t.equal(expires, Math.ceil((times.server + 5_000_000) / 1000), String(policy.name))
    times.server += HOUR * 1000
    t.match(
      await limiter.take('key', { cost: 5 }),
      { allowed: true },
      'and the hour that comes back frees it',
    )
  }
})

test('a window whose rate is lowered on live keys denies, and its remaining is never negative', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const policy = { name: 'p', algorithm: 'sliding-window', per: 'minute' } as const
  const deployed = (rate: number) => limiterOf(times.store(client, { prefix: 'live' }), { ...policy, rate })
  await deployed(100).take('key', { cost: 60 })
  const tight = deployed(10)
  t.match(await tight.take('key'), { allowed: false, remaining: 0, retryAfter: 60_000 })
  t.match(await tight.take('key'), { allowed: false, remaining: 0, retryAfter: 60_000 }, 'by the deny cache')
  t.match(await tight.peek('key', { cost: 0 }), { allowed: true, remaining: 0, resetAfter: 60_000 })
  times.advance(60_000)
  t.match(await tight.take('key', { cost: 10 }), { allowed: true, remaining: 0 })
  t.match(await tight.take('key'), { allowed: false })
  const loose = deployed(100)
  t.match(await loose.take('key', { cost: 90 }), { allowed: true, remaining: 0 })
  t.match(await loose.take('key'), { allowed: false, retryAfter: 60_000 })
  times.advance(60_000)
  t.match(await loose.take('key', { cost: 100 }), { allowed: true, remaining: 0 })
})

test('a bucket that is tightened or loosened starts with fresh keys, and finds its own again', async (t) => {
  const { client } = await serve(t)
  const times = new Times()
  const deployed = (rate: number, burst: number) =>
    limiterOf(times.store(client, { prefix: 'live' }), { name: 'p', rate, per: 'minute', burst })
  await deployed(100, 100).take('key', { cost: 60 })
  const tight = deployed(10, 5)
  t.match(await tight.take('key', { cost: 5 }), { allowed: true, remaining: 0 })
  t.match(await tight.take('key'), { allowed: false, retryAfter: 6000 })
  times.advance(6000)
  t.match(await tight.take('key'), { allowed: true, remaining: 0 })
  t.match(await deployed(100, 100).peek('key', { cost: 0 }), { remaining: 50, resetAfter: 30_000 })
})

test('a window of 1,000 takes at most 8 bytes a unit and 100 when full, also after growing unit by unit', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client, { prefix: 'floodgate' }), {
    ...WINDOW,
    rate: 1000,
    per: 'hour',
  })
  for (let i = 0; i < 4; i++) await Promise.all(Array.from({ length: 250 }, () => limiter.take('key')))
  t.match(await limiter.take('key'), { allowed: false })
  t.ok((await bytesOf(server, limiter.storeKey('key'))) <= 8 * 1000 + 100)
  times.advance(1)
  await limiter.refund('key', 500)
  await Promise.all(Array.from({ length: 250 }, () => limiter.take('key')))
  t.ok((await bytesOf(server, limiter.storeKey('key'))) <= 8 * 1000 + 100)
})
