import { test } from 'tap'
import { limited, only } from './support/app.js'

test('what an update would put in force is known before, and nothing changes', async (t) => {
  const app = await limited({ ...only(2), limiters: { login: { ...only(1), cost: 2 } } })
  const { rateLimit } = app
  const before = rateLimit.get('login').policies
  const policies = [
    { rate: 5, per: '15 minutes', algorithm: 'sliding-window' },
    { name: 'tried', rate: 3, enforce: false },
  ] as const
  const previewed = rateLimit.preview('login', policies)
  t.match(previewed, [
    { name: 'login-5-per-15minutes', limit: 5, per: 900_000, enforce: 1 },
    { name: 'tried', rate: 3, per: 3_600_000, limit: 2, enforce: 0 },
  ])
  t.equal(rateLimit.get('login').policies, before)
  t.strictSame(rateLimit.changes(), [])
  rateLimit.update('login', policies)
  t.strictSame(rateLimit.get('login').policies, previewed)
  t.strictSame(rateLimit.preview('login', null), before, 'what comes back when the update ends')
  rateLimit.update('login', null)
  t.strictSame(rateLimit.get('login').policies, before)
})

test('a preview refuses what an update would', async (t) => {
  const { rateLimit } = await limited({ guard: only(5) })
  t.throws(() => rateLimit.preview('default', { rate: -1 }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'policies\.rate' is -1/,
  })
  t.throws(() => rateLimit.preview('default', { key: 'global' }), { code: 'FST_FLOODGATE_OPTION' })
  t.throws(() => rateLimit.preview('guard', { cost: 2 }), { code: 'FST_FLOODGATE_UNKNOWN_OPTION' })
  t.throws(() => rateLimit.preview('nobody', {}), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' })
})
