import { test } from 'tap'
import type { AsyncLimiter } from '../../../types/index.js'
import { limited } from './support.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const

test('over Redis, an update holds for the next decision, and blocks go on', async (t) => {
  const { app } = await limited(t, only(2))
  const limiter = app.rateLimit.get('default') as AsyncLimiter
  await limiter.take('acme')
  await limiter.block('spammer', '1 hour')
  const before = limiter.storeKey('acme')
  app.rateLimit.update('default', only(3))
  t.match(await limiter.take('acme'), { limit: 3, remaining: 2 })
  t.not(limiter.storeKey('acme'), before, 'each law has keys of its own')
  t.match(await limiter.peek('spammer'), { allowed: false, blocked: true })
  app.rateLimit.update('default', only(2))
  t.match(await limiter.take('acme'), { limit: 2, remaining: 0 }, 'and finds them again')
})

test('over Redis, an override counts its key in all that a limiter is asked', async (t) => {
  const { app } = await limited(t, only(2))
  const limiter = app.rateLimit.get('default') as AsyncLimiter
  const own = limiter.storeKey('acme')
  app.rateLimit.override('default', 'acme', only(5))
  app.rateLimit.override('default', 'probe', false)
  t.match(await limiter.take('acme', { cost: 3 }), { remaining: 2 })
  await limiter.refund('acme')
  t.match(await limiter.peek('acme'), { remaining: 3 })
  t.not(limiter.storeKey('acme'), own)
  t.equal(limiter.storeKey('probe'), limiter.storeKey('probe', 'default'))
  t.throws(() => limiter.storeKey('acme', 'other'), { code: 'FST_FLOODGATE_OPTION' })
  await limiter.reset('acme')
  t.match(await limiter.peek('acme'), { remaining: 5 })
  await limiter.block('acme', '1 hour')
  t.match(await limiter.peek('acme'), { blocked: true })
  app.rateLimit.override('default', 'acme', null)
  t.match(await limiter.peek('acme'), { blocked: true, limit: 2 })
  const unlimited = { allowed: true, remaining: Number.POSITIVE_INFINITY }
  t.match(await limiter.take('probe'), unlimited)
  t.match(await limiter.peek('probe'), unlimited)
  await limiter.refund('probe')
  await limiter.reset('probe')
  await limiter.block('probe', '1 hour')
  t.match(await limiter.take('probe'), unlimited)
})

test('a block goes on in this process where Redis does not answer an update', async (t) => {
  const { app, line } = await limited(t, only(2), { timeout: 10_000 })
  const limiter = app.rateLimit.get('default') as AsyncLimiter
  await limiter.block('spammer', '1 hour')
  await line.cut()
  app.rateLimit.update('default', only(3))
  t.match(await limiter.take('spammer'), { allowed: false, blocked: true, source: 'local' })
})
