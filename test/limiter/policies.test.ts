import { test } from 'tap'
import { createLimiter } from '../../lib/limiter/index.js'
import { memoryStore } from '../../lib/store/index.js'
import type { PolicyOptions } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

/** A limiter called api, whose time stands still until the test moves `clock`. */
function limiterOf(policies: readonly PolicyOptions[]) {
  const clock = new ManualClock()
  return { limiter: createLimiter({ name: 'api', policies }, { store: memoryStore({ clock }) }), clock }
}

test('several policies are named after their limiter, rate and period, unless they have names', async (t) => {
  const { limiter } = limiterOf([
    { rate: 10 },
    { per: 'hour', burst: 20 },
    { name: 'daily', rate: 1000, per: 'day' },
    { rate: 5, per: '15 minutes' },
    { rate: 5, per: 250 },
    { algorithm: 'concurrency', limit: 3 },
  ])
  t.strictSame(
    limiter.policies.map((policy) => policy.name),
    [
      'api-10-per-minute',
      'api-100-per-hour',
      'daily',
      'api-5-per-15minutes',
      'api-5-per-250ms',
      'api-3-in-progress',
    ],
  )
  const alone = limiterOf([{ rate: 10 }])
  t.strictSame(
    alone.limiter.policies.map((policy) => policy.name),
    ['api'],
    'a list of one is named like the limiter',
  )
})

test('all policies must allow: a denial by one charges none', async (t) => {
  const { limiter, clock } = limiterOf([
    { name: 'minutely', rate: 2, per: 'minute', burst: 2 },
    { name: 'hourly', algorithm: 'sliding-window', rate: 3, per: 'hour' },
  ])
  t.match(limiter.take('a'), { allowed: true, policy: 'minutely', limit: 2, remaining: 1 })
  t.match(limiter.take('a'), { allowed: true, policy: 'minutely', limit: 2, remaining: 0 })
  for (let i = 0; i < 5; i++) {
    t.match(limiter.take('a'), {
      allowed: false,
      policy: 'minutely',
      violated: ['minutely'],
      retryAfter: 30_000,
    })
  }
  clock.advance(30_000)
  t.match(
    limiter.take('a'),
    { allowed: true, policy: 'hourly', limit: 3, remaining: 0 },
    'one of three was left',
  )
  clock.advance(3600e3 - 60_000)
  t.strictSame(
    limiter.take('a', { cost: 2 }),
    {
      allowed: false,
      policy: 'hourly',
      violated: ['hourly'],
      limit: 3,
      remaining: 0,
      resetAfter: 60_000,
      retryAfter: 30_000,
    },
    'the bucket is full, the window is not: the denial is spoken for by the one that denied',
  )
  clock.advance(30_000)
  t.ok(limiter.take('a', { cost: 2 }).allowed, 'and its wait was honest')
})

test('a denial names all policies that denied, and asks for the longest wait', async (t) => {
  const { limiter, clock } = limiterOf([
    { name: 'secondly', rate: 1, per: 'second', burst: 1 },
    { name: 'minutely', rate: 1, per: 'minute', burst: 1 },
    { name: 'daily', rate: 100, per: 'day', burst: 100 },
  ])
  t.ok(limiter.take('a').allowed)
  const denied = limiter.take('a')
  t.match(denied, {
    allowed: false,
    policy: 'minutely',
    violated: ['secondly', 'minutely'],
    retryAfter: 60_000,
  })
  clock.advance(59_999)
  t.match(limiter.take('a'), { allowed: false, violated: ['minutely'], retryAfter: 1 })
  clock.advance(1)
  t.ok(limiter.take('a').allowed)
})
