import { setImmediate } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import type { RequestRegistry } from '../../lib/plugin/registry.js'
import type { Decision } from '../../types/index.js'
import { ask, CLIENT, left, limited, ok, only, user } from './support/app.js'

const as = (name: string, url = '/') => ({ url, headers: { 'x-user': name } })

/** An app whose default limiter counts users, two units an hour. */
async function byUser(options = {}) {
  const app = await limited({ ...only(2), key: 'user', keys: { user }, warnings: false, ...options })
  app.get('/', ok)
  return app
}

test('a key has another policy, and the others have not', async (t) => {
  const app = await byUser()
  app.rateLimit.override('default', 'acme', { rate: 5, burst: 5 }, { comment: 'sale' })
  t.same(await ask(app, as('acme'), as('acme'), as('acme')), ['200 4', '200 3', '200 2'])
  t.same(await ask(app, as('bob'), as('bob'), as('bob')), ['200 1', '200 0', '429 0'])
  t.equal((await app.inject(as('acme'))).headers['x-ratelimit-limit'], '5')
  t.match(app.rateLimit.stats().limiters.default.policies, { default: { allowed: 6, denied: 1 } })
  t.match(app.rateLimit.stats().overrides, { inForce: 1, used: 1 })
})

test('what it leaves out comes from the limiter in force', async (t) => {
  const app = await byUser({
    limiters: { login: { algorithm: 'sliding-window', rate: 3, per: '5 minutes' } },
  })
  const policyOf = (name: string) => {
    app.rateLimit.override(name, 'acme', { rate: 7 })
    return app.rateLimit.get(name).peek('acme') as Decision
  }
  t.match(policyOf('login'), { policy: 'login', limit: 7 })
  app.rateLimit.update('login', { algorithm: 'token-bucket', rate: 60, per: 'minute', burst: 4 })
  t.match(policyOf('login'), { policy: 'login', limit: 4 })
})

test('false is no limit: the request is not counted, and the limiter says so', async (t) => {
  const app = await byUser()
  app.rateLimit.override('default', 'probe', false)
  t.same(await ask(app, ...Array(4).fill(as('probe'))), ['200 -', '200 -', '200 -', '200 -'])
  const limiter = app.rateLimit.get('default')
  const limit = Number.POSITIVE_INFINITY
  const unlimited = { allowed: true, policy: 'default', limit, remaining: limit, resetAfter: 0 }
  t.same(limiter.take('probe'), unlimited)
  t.same(limiter.peek('probe'), unlimited)
  t.same(await limiter.wait('probe'), unlimited)
  t.equal(await limiter.run('probe', () => 7), 7)
  limiter.refund('probe')
  limiter.reset('probe')
  limiter.block('probe', '1 hour')
  t.same(limiter.take('probe'), unlimited)
})

test('the limiter itself goes by the override, whatever is asked', async (t) => {
  const app = await byUser()
  app.rateLimit.override('default', 'acme', only(5))
  const limiter = app.rateLimit.get('default')
  t.match(limiter.take('acme', { cost: 3 }), { remaining: 2 })
  limiter.refund('acme')
  t.match(limiter.peek('acme'), { remaining: 3 })
  t.match(await limiter.wait('acme'), { remaining: 2 })
  t.equal(await limiter.run('acme', () => left(app, 'default', 'acme')), 1)
  limiter.reset('acme')
  t.equal(left(app, 'default', 'acme'), 5)
})

test('a block holds under an override that begins or ends, and reset() lifts it everywhere', async (t) => {
  const app = await byUser()
  const limiter = app.rateLimit.get('default')
  const isBlocked = () => (limiter.peek('acme') as { blocked?: boolean }).blocked === true
  limiter.block('acme', '1 hour')
  app.rateLimit.override('default', 'acme', only(5))
  t.ok(isBlocked())
  limiter.reset('acme')
  t.notOk(isBlocked())
  limiter.block('acme', '1 hour')
  app.rateLimit.override('default', 'acme', null)
  t.ok(isBlocked())
  limiter.reset('acme')
  t.notOk(isBlocked())
})

test('an override ends: by null, by its end, or by another one', async (t) => {
  const app = await byUser()
  const limit = () => (app.rateLimit.get('default').peek('acme') as Decision).limit
  app.rateLimit.override('default', 'acme', only(5))
  app.rateLimit.override('default', 'acme', only(6))
  t.equal(limit(), 6)
  app.rateLimit.override('default', 'acme', null)
  app.rateLimit.override('default', 'nobody', null)
  t.equal(limit(), 2)
  const end = Date.now() + 60_000
  app.rateLimit.override('default', 'acme', only(5), { until: new Date(end) })
  t.equal(limit(), 5)
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  Date.now = () => end
  t.equal(app.rateLimit.stats().overrides.inForce, 0)
  t.equal(limit(), 2)
  app.rateLimit.override('default', 'acme', only(5), { until: '2999-01-01T00:00:00+01:00' })
  t.equal(limit(), 5)
})

test('overrides are listed, with how often each was looked up', async (t) => {
  const app = await byUser({ limiters: { login: {} } })
  app.rateLimit.override('default', 'acme', { rate: 5 }, { comment: 'sale' })
  app.rateLimit.override('login', 'bob', false, { until: '2999-01-01T00:00:00Z' })
  await ask(app, as('acme'), as('acme'))
  t.same(app.rateLimit.overrides(), [
    {
      limiter: 'default',
      key: 'acme',
      policy: { rate: 5 },
      inForce: app.rateLimit.preview('default', { rate: 5 })[0],
      until: null,
      comment: 'sale',
      used: 2,
    },
    {
      limiter: 'login',
      key: 'bob',
      policy: false,
      inForce: null,
      until: new Date('2999-01-01T00:00:00Z'),
      comment: '',
      used: 0,
    },
  ])
  t.same(app.rateLimit.stats().overrides, { inForce: 2, used: 1 })
})

test('what is said of an address holds for its requests without a key, too', async (t) => {
  const key = (request: FastifyRequest) => request.headers['x-user'] as string | undefined
  const app = await byUser({ keys: { user: key }, offenders: {} })
  const { rateLimit } = app
  const left = async () => (await rateLimit.get('default').peekEach(CLIENT)).map(({ remaining }) => remaining)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
  t.match(rateLimit.offenders(), [{ limiter: 'default', key: CLIENT, denied: 1 }])
  t.same(await left(), [0], 'it is looked up')
  rateLimit.reset('default', CLIENT)
  t.same(await left(), [2])
  t.same(await ask(app, 'GET /'), ['200 1'])
  rateLimit.override('default', CLIENT, only(5))
  t.same(await ask(app, 'GET /'), ['200 4'])
  rateLimit.override('default', CLIENT, only(5), { comment: 'the same law' })
  rateLimit.override('default', 'ann', only(5))
  t.same(await ask(app, 'GET /'), ['200 3'])
  rateLimit.override('default', CLIENT, false)
  t.same(await ask(app, 'GET /'), ['200 -'])
  t.same(await left(), [])
  rateLimit.override('default', CLIENT, null)
  t.same(await ask(app, 'GET /'), ['200 0'])
  rateLimit.block('default', '192.0.2.7', '1 hour')
  t.equal((await app.inject({ url: '/', remoteAddress: '192.0.2.7' })).statusCode, 429)
  rateLimit.update('default', only(4))
  t.equal(
    (await app.inject({ url: '/', remoteAddress: '192.0.2.7' })).statusCode,
    429,
    'also under other laws',
  )
  t.same(await ask(app, { url: '/', headers: { 'x-user': 'ann' } }), ['200 4'], 'others are themselves')
})

test('an override survives an update of its limiter, and its decisions are counted', async (t) => {
  const app = await byUser()
  app.rateLimit.override('default', 'acme', only(5))
  app.rateLimit.update('default', [only(3), { ...only(9), per: 'day' }])
  t.same(await ask(app, as('acme')), ['200 4'])
  t.match(app.rateLimit.stats().limiters.default.policies, { 'default-3-per-hour': { allowed: 1 } })
  app.rateLimit.override('default', 'acme', { ...only(7) })
  t.match(app.rateLimit.get('default').peek('acme'), { limit: 7, policy: 'default-3-per-hour' })
})

test('what is not allowed is refused, and changes nothing', async (t) => {
  const app = await byUser()
  const refused = (act: () => void, message: RegExp) => t.throws(act, { message }, String(message))
  const { rateLimit } = app
  refused(() => rateLimit.override('defualt', 'a', false), /did you mean 'default'\?/)
  refused(() => rateLimit.override('default', '', false), /key is empty/)
  refused(() => rateLimit.override('default', 'a', { rate: -1 }), /option 'policy\.rate' is -1/)
  refused(() => rateLimit.override('default', 'a', { rates: 1 } as never), /unknown option 'policy\.rates'/)
  refused(() => rateLimit.override('default', 'a', { key: 'ip' } as never), /unknown option 'policy\.key'/)
  refused(() => rateLimit.override('default', 'a', undefined as never), /option 'policy' is undefined/)
  refused(() => rateLimit.override('default', 'a', false, { until: 'now' }), /option 'until' is 'now'/)
  refused(
    () => rateLimit.override('default', 'a', false, { until: '2020-01-31T00:00:00Z' }),
    /option 'until' is '2020-01-31T00:00:00.000Z'; allowed: an instant in the future/,
  )
  refused(() => rateLimit.override('default', 'a', false, { until: 5 as never }), /option 'until' is 5/)
  refused(() => rateLimit.override('default', 'a', false, { comment: 5 as never }), /option 'comment' is 5/)
  refused(() => rateLimit.override('default', 'a', false, { coment: '' } as never), /unknown option 'coment'/)
  t.same(rateLimit.overrides(), [])
})

test('there are at most 100,000, and those that have ended make room', async (t) => {
  const app = await byUser({ limiters: { login: {} } })
  const until = new Date(Date.now() + 3_600_000)
  for (let i = 0; i < 100_000; i++)
    app.rateLimit.override(i % 2 ? 'login' : 'default', `key ${i}`, false, { until })
  t.throws(() => app.rateLimit.override('default', 'one more', false), { code: 'FST_FLOODGATE_OPTION' })
  t.doesNotThrow(() => app.rateLimit.override('default', 'key 0', only(3)))
  app.rateLimit.override('default', 'key 2', null)
  t.doesNotThrow(() => app.rateLimit.override('default', 'one more', false))
  t.throws(() => app.rateLimit.override('default', 'another one', false))
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  Date.now = () => until.getTime()
  t.doesNotThrow(() => app.rateLimit.override('default', 'another one', false))
  t.same(
    app.rateLimit.overrides().map(({ key }) => key),
    ['key 0', 'one more', 'another one'],
  )
})

test('calls of keys that have an override wait among the others of the limiter, and are counted', async (t) => {
  const app = await limited({ rate: 1, per: 'second', burst: 1, wait: '10 seconds' })
  const limiter = app.rateLimit.get('default')
  for (const key of ['a', 'b']) app.rateLimit.override('default', key, { rate: 2 })
  for (const key of ['a', 'b', 'c']) limiter.take(key)
  const away = new AbortController()
  const waits = ['a', 'b', 'c'].map((key) => limiter.wait(key, { signal: away.signal }))
  await setImmediate()
  t.equal(app.rateLimit.stats().waiting, 3)
  away.abort()
  t.same(
    (await Promise.allSettled(waits)).map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  t.equal(app.rateLimit.stats().waiting, 0)
})

for (const policy of [{ rate: 5, burst: 5 }, false] as const) {
  const what = policy === false ? 'no limit' : 'another policy'
  test(`what is no call is refused where any key has an override, of this key, too: ${what}`, async (t) => {
    const app = await byUser()
    app.rateLimit.override('default', 'acme', policy)
    const limiter = app.rateLimit.get('default')
    const { take, peek, wait, run, refund } = {
      take: (key: unknown, options?: unknown) => limiter.take(key as string, options as never),
      peek: (key: unknown, options?: unknown) => limiter.peek(key as string, options as never),
      wait: (key: unknown, options?: unknown) => limiter.wait(key as string, options as never),
      run: (key: unknown, options?: unknown) => limiter.run(key as string, () => 7, options as never),
      refund: (key: unknown, cost?: unknown) => limiter.refund(key as string, cost as number),
    }
    for (const verb of [take, peek, wait, run]) {
      const call = async (key: unknown, options?: unknown) => await verb(key, options)
      for (const key of [undefined, null, '', 7])
        await t.rejects(call(key), { code: 'FST_FLOODGATE_KEY' }, String(key))
      for (const cost of [-1, 0.5, '1'])
        await t.rejects(call('acme', { cost }), { code: 'FST_FLOODGATE_COST' }, String(cost))
      await t.rejects(call('acme', { cots: 1 }), { code: 'FST_FLOODGATE_UNKNOWN_OPTION' })
      await t.rejects(call('acme', 7), { code: 'FST_FLOODGATE_OPTION' })
    }
    t.throws(() => refund(undefined), { code: 'FST_FLOODGATE_KEY' })
    t.throws(() => refund('acme', -1), { code: 'FST_FLOODGATE_COST' })
    t.equal(left(app, 'default', 'bob'), 2)
  })
}

test('an override of an address that has ended leaves nothing behind', async (t) => {
  const app = await byUser()
  const until = Date.now() + 60_000
  for (let i = 0; i < 5; i++)
    app.rateLimit.override('default', `10.0.0.${i}`, only(5), { until: new Date(until) })
  const { member } = (app.rateLimit as unknown as RequestRegistry).operations.changes.of('default')
  t.equal(member.unkeyed.overrides?.size, 5)
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  Date.now = () => until
  t.equal(app.rateLimit.overrides().length, 0)
  t.equal(member.unkeyed.overrides, null)
})
