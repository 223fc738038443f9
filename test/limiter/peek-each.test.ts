import { test } from 'tap'
import { createLimiter, memoryStore } from '../../lib/index.js'
import type { AnyLimiter, PolicyOptions, Store } from '../../types/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { limited, only } from '../plugin/support/app.js'

const MINUTE: PolicyOptions = { name: 'minute', rate: 2, per: 'minute', burst: 2 }
const DAY: PolicyOptions = { name: 'day', algorithm: 'sliding-window', rate: 100, per: 'day' }

const stores: [string, () => Store][] = [
  ['at once', () => memoryStore({ clock: new ManualClock() })],
  ['later', () => lateStore(new ManualClock()).store],
]
for (const [how, newStore] of stores) {
  test(`${how}: each policy says what it has left of a key, and nothing is charged`, async (t) => {
    const policies = [MINUTE, DAY, { ...MINUTE, name: 'tried', rate: 1, burst: 1, enforce: false }]
    const limiter: AnyLimiter = createLimiter({ name: 'api', policies }, { store: newStore() })
    for (let i = 0; i < 2; i++) await limiter.take('key')
    const expected = [
      { policy: 'minute', allowed: false, violated: ['minute'], remaining: 0, retryAfter: 30_000 },
      { policy: 'day', allowed: true, limit: 100, remaining: 98 },
      { policy: 'tried', allowed: false, limit: 1, remaining: 0 },
    ]
    for (let i = 0; i < 3; i++) t.match(await limiter.peekEach('key'), expected)
    t.match(await limiter.peekEach('other'), [{ remaining: 2 }, { remaining: 100 }, { remaining: 1 }])
    await t.rejects(async () => limiter.peekEach(''), { code: 'FST_FLOODGATE_KEY' })
  })

  test(`${how}: of a key with an override, the override says it`, async (t) => {
    const app = await limited({ ...only(3), store: newStore() as never })
    const limiter: AnyLimiter = app.rateLimit.get('default')
    app.rateLimit.override('default', 'acme', only(9))
    app.rateLimit.override('default', 'free', false)
    await limiter.take('acme')
    t.match(await limiter.peekEach('acme'), [{ policy: 'default', limit: 9, remaining: 8 }])
    t.strictSame(await limiter.peekEach('free'), [])
    t.match(await limiter.peekEach('other'), [{ limit: 3, remaining: 3 }])
    t.match(app.rateLimit.overrides(), [{ used: 1 }, { used: 0 }], 'to look is no use')
  })
}
