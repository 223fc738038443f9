import { test } from 'tap'
import type { RateLimitOptions } from '../../../lib/index.js'
import { until } from '../../fixtures/redis/until.js'
import { ask, limited } from './support.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const
const tried = (n: number) => ({ ...only(n), enforce: false }) as const

test('shadows are asked in the call of the request, and what they would deny is remembered for them alone', async (t) => {
  const { app } = await limited(t, { ...only(9), limiters: { one: tried(1), two: tried(2) } })
  app.get(
    '/',
    { config: { rateLimit: ['default', 'one', 'two'] } },
    async ({ rateLimit }) => rateLimit?.shadow,
  )
  const calls: unknown[] = []
  for (let i = 0; i < 6; i++) {
    const before = app.rateLimit.stats().store.calls as number
    t.equal(await ask(app, '/'), `200 ${8 - i}`)
    calls.push((app.rateLimit.stats().store.calls as number) - before)
  }
  t.same(calls, Array(6).fill(1), 'one call a request')
  const { limiters } = app.rateLimit.stats()
  t.match(limiters.default.policies.default, { allowed: 6, denied: 0, units: 6 })
  t.match(limiters.one.policies.one, { allowed: 1, shadowDenied: 5, denied: 0 })
  t.match(limiters.two.policies.two, { allowed: 2, shadowDenied: 4, denied: 0 })
  t.match((await app.inject('/')).json(), [
    { policy: 'one', allowed: false },
    { policy: 'two', allowed: false },
  ])
})

test('a shadow that blocks and one that leases deny nobody, and no unit of others depends on them', async (t) => {
  const limiters = {
    blocking: { ...tried(1), block: '1 hour' },
    leased: { rate: 5, per: 'second', burst: 3, enforce: false },
    progress: { algorithm: 'concurrency', limit: 1, enforce: false },
  } as const
  const { app } = await limited(t, { ...only(30), limiters } as RateLimitOptions, { lease: 10 })
  app.get('/', { config: { rateLimit: ['default', ...Object.keys(limiters)] } }, async () => 'ok')
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(app, '/')))
  t.ok(
    answers.every((answer) => answer.startsWith('200')),
    String(answers),
  )
  await until('all to be counted', async () => {
    const { policies } = app.rateLimit.stats().limiters.blocking
    return policies.blocking.shadowDenied === 19
  })
  const { policies } = app.rateLimit.stats().limiters.leased
  t.match(policies.leased, { allowed: 3, shadowDenied: 17 })
  t.match(app.rateLimit.stats().limiters.default.policies.default, { allowed: 20, denied: 0 })
  await until('work in progress to end', async () => {
    const { remaining } = await peekProgress(app)
    return remaining === 1
  })
})

/** What is left of a shadow, which `peek()` does not say. */
async function peekProgress(app: Awaited<ReturnType<typeof limited>>['app']) {
  const { buckets, store } = app.rateLimit.get('progress') as never as {
    buckets: [never]
    store: { peek(charges: object[]): Promise<boolean> }
  }
  const charge = { bucket: buckets[0], key: '127.0.0.1', cost: 0, remaining: 0 }
  await store.peek([charge])
  return charge
}

test('a request that only shadows see does not wait for Redis, nor fail without it', async (t) => {
  const { app, line } = await limited(t, tried(5), { onStoreFailure: 'deny', timeout: 10_000 })
  app.get('/', async () => 'ok')
  t.equal(await ask(app, '/'), '200 -')
  await until('its answer', async () => app.rateLimit.stats().limiters.default.policies.default.allowed === 1)
  line.blackhole()
  const before = performance.now()
  for (let i = 0; i < 5; i++) t.equal(await ask(app, '/'), '200 -')
  t.ok(performance.now() - before < 9000, 'nobody waited')
  await line.cut()
  for (let i = 0; i < 10; i++) t.equal(await ask(app, '/'), '200 -')
  t.match(app.rateLimit.stats().limiters.default.policies.default, { allowed: 1, denied: 0, shadowDenied: 0 })
  await line.open()
})

test('a shadow turns into a limit in the same keys, with what it has counted', async (t) => {
  const { app } = await limited(t, { limiters: { own: tried(2) } })
  app.get('/', { config: { rateLimit: 'own' } }, async () => 'ok')
  for (let i = 0; i < 3; i++) await ask(app, '/')
  await until('all answers', async () => app.rateLimit.stats().limiters.own.policies.own.shadowDenied === 1)
  app.rateLimit.update('own', { ...only(2), enforce: true })
  t.equal(await ask(app, '/'), '429 0')
  app.rateLimit.update('own', tried(2))
  t.equal(await ask(app, '/'), '200 -')
})
