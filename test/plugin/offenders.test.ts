import { createHash } from 'node:crypto'
import { test } from 'tap'
import { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { bytesInUse } from '../store/memory/bytes.js'
import { ask, limited, ok, only, user } from './support/app.js'

test('the keys that a limiter denies most are known, the worst first', async (t) => {
  const app = await limited({
    ...only(1),
    limiters: { login: { ...only(1), key: 'user', block: '1 hour' } },
    keys: { user },
    offenders: { show: (key, limiter) => `${key} of ${limiter}` },
  })
  app.get('/', ok)
  app.get('/login', { config: { rateLimit: 'login' } }, ok)
  t.same(app.rateLimit.offenders(), [])
  const before = Date.now()
  for (let i = 0; i < 3; i++) await ask(app, 'GET /')
  for (let i = 0; i < 5; i++) await ask(app, { url: '/login', headers: { 'x-user': 'ann' } })
  await ask(app, { url: '/login', headers: { 'x-user': 'bob' } })

  const [worst, other, ...none] = app.rateLimit.offenders()
  t.match(worst, { limiter: 'login', key: 'ann of login', denied: 0, blocked: 4, shadowDenied: 0, error: 0 })
  t.match(other, { limiter: 'default', key: '127.0.0.1 of default', denied: 2, blocked: 0 })
  t.same(none, [], 'who was never denied is not remembered')
  t.ok(worst.first.getTime() >= before && worst.last.getTime() <= Date.now() && worst.first <= worst.last)
  t.same(app.rateLimit.offenders({ limiter: 'login' }), [worst])
})

test('a request that several policies of a limiter deny is one denial', async (t) => {
  const pair = [only(1), { ...only(1), per: 'day' }] as const
  const app = await limited({ limiters: { pair }, offenders: {} })
  app.get('/', { config: { rateLimit: ['pair', 'default'] } }, ok)
  await ask(app, 'GET /', 'GET /', 'GET /')
  t.match(app.rateLimit.offenders(), [{ limiter: 'pair', key: '127.0.0.1', denied: 2 }])
})

test('no more keys than `size` are remembered, and by default keys that may be secret are not shown', async (t) => {
  const app = await limited({ rate: 0, key: 'user', keys: { user }, warnings: false, offenders: { size: 2 } })
  app.get('/', ok)
  for (const name of ['alice@example.com', 'alice@example.com', 'bob', 'carol'])
    await ask(app, { url: '/', headers: { 'x-user': name } })
  const digest = createHash('sha256').update('alice@example.com').digest('hex').slice(0, 8)
  const [worst, ...others] = app.rateLimit.offenders()
  t.match(worst, { key: `alic…${digest}`, denied: 2, error: 0 })
  t.match(others, [{ key: /^caro…/, denied: 1, error: 1 }])
})

test('keys of policies that a function returns are remembered under its route', async (t) => {
  const app = await limited({ offenders: {} })
  app.get('/', { config: { rateLimit: () => only(1) } }, ok)
  await ask(app, 'GET /', 'GET /')
  t.match(app.rateLimit.offenders({ limiter: 'GET /' }), [{ limiter: 'GET /', key: '127.0.0.1', denied: 1 }])
})

test('without the option no key is remembered, and asking for them is an error; so is an unknown limiter', async (t) => {
  const off = await limited()
  t.throws(() => off.rateLimit.offenders(), {
    code: 'FST_FLOODGATE_OPTION',
    message: "option 'offenders' is undefined; allowed: { size, per, show }, or {} for the defaults",
  })
  const on = await limited({ offenders: {} })
  t.throws(() => on.rateLimit.offenders({ limiter: 'defalt' }), {
    code: 'FST_FLOODGATE_UNKNOWN_LIMITER',
    message: "no limiter is called 'defalt'; did you mean 'default'?; known: default",
  })
  t.throws(() => on.rateLimit.offenders({ limitr: 'default' } as never), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
    message: /'options.limitr'; did you mean 'limiter'/,
  })
  for (const most of [-1, 0.5, Number.NaN, '1', null])
    t.throws(() => on.rateLimit.offenders({ most } as never), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'options.most' is .*; allowed: an integer of 0 or more$/,
    })
  t.throws(() => on.rateLimit.offenders(null as never), { code: 'FST_FLOODGATE_OPTION' })
})

test('1,000,000 distinct keys leave memory flat, and who is denied more than all of them stays in sight', async (t) => {
  const store = memoryStore({ clock: new ManualClock(), maxKeys: 1000 })
  const app = await limited({ rate: 0, store, offenders: {}, warnings: false })
  const limiter = app.rateLimit.get('default')
  const flood = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      limiter.take(`a key of the flood, number ${i}`)
      if (i % 50 === 0) limiter.take('203.0.113.7')
    }
  }
  flood(0, 10_000)
  const before = await bytesInUse()
  flood(10_000, 1_000_000)
  const grown = (await bytesInUse()) - before
  t.ok(grown < 200_000, `${grown} bytes`)
  const [worst, ...others] = app.rateLimit.offenders()
  t.match(worst, { key: '203.0.113.7', denied: 20_000, error: 0 })
  t.ok(others.length >= 99 && others.length < 200, `${others.length} others`)
  t.match(app.rateLimit.stats().limiters.default.policies.default, { allowed: 0, denied: 1_020_000 })
})

test('the worst are listed, as many as are asked for, and an id stands for a key', async (t) => {
  const limiters = { login: { ...only(1), key: 'user' } }
  const app = await limited({ ...only(1), limiters, keys: { user }, offenders: {} })
  app.get('/', ok)
  app.get('/login', { config: { rateLimit: 'login' } }, ok)
  for (const [name, times] of [
    ['alice@example.com', 4],
    ['bob', 2],
  ] as const)
    for (let i = 0; i < times; i++) await ask(app, { url: '/login', headers: { 'x-user': name } })
  for (let i = 0; i < 3; i++) await ask(app, 'GET /')

  const two = app.rateLimit.offenders({ most: 2 })
  t.match(two, [
    { limiter: 'login', denied: 3 },
    { limiter: 'default', denied: 2 },
  ])
  t.equal(two.length, 2)
  t.strictSame(app.rateLimit.offenders({ most: 1, limiter: 'default' }), [two[1]])
  const [{ id, key }] = two
  t.equal(app.rateLimit.keyOfOffender('login', id), 'alice@example.com')
  t.equal(app.rateLimit.keyOfOffender('default', id), null, 'it is one of another limiter')
  t.equal(app.rateLimit.keyOfOffender('nobody', id), null)
  t.equal(app.rateLimit.showKey('login', 'alice@example.com'), key)
})

test('keys are shown as the option says, and as without it where there is none', async (t) => {
  const off = await limited()
  t.match(off.rateLimit.showKey('default', 'alice@example.com'), /^alic…[0-9a-f]{8}$/)
  t.equal(off.rateLimit.showKey('default', '192.0.2.1'), '192.0.2.1')
  t.equal(off.rateLimit.keyOfOffender('default', '0'.repeat(16)), null)
  const own = await limited({ offenders: { show: (key, limiter) => `${limiter}: ${key.length}` } })
  t.equal(own.rateLimit.showKey('default', 'secret'), 'default: 6')
})

test('where a function that shows keys fails, a key is shown as without it', async (t) => {
  for (const show of [
    () => {
      throw new Error('no')
    },
    () => undefined as never,
    async () => 'late' as never,
  ]) {
    const app = await limited({ ...only(1), key: 'user', keys: { user }, offenders: { show: show as never } })
    app.get('/', ok)
    for (let i = 0; i < 2; i++) await ask(app, { url: '/', headers: { 'x-user': 'alice@example.com' } })
    t.match(app.rateLimit.offenders(), [{ key: /^alic…[0-9a-f]{8}$/, denied: 1 }])
    t.match(app.rateLimit.showKey('default', 'bob@example.com'), /^bob@…/)
  }
})

test('long keys, and keys that are parts of long texts, take no more memory than the list says', async (t) => {
  const app = await limited({ rate: 0, offenders: { size: 2000 }, store: memoryStore(), warnings: false })
  const limiter = app.rateLimit.get('default')
  const header = (i: number) => `user-${String(i).padStart(20, '0')}:${'x'.repeat(15_000)}${i}`
  const before = await bytesInUse()
  for (let i = 0; i < 2000; i++) limiter.take(i % 2 === 0 ? header(i) : header(i).slice(0, 25))
  const grown = (await bytesInUse()) - before
  t.ok(grown < 8_000_000, `${grown} bytes`)
  const offenders = app.rateLimit.offenders({ limiter: 'default' })
  t.equal(offenders.length, 2000)
  const keys = offenders.map(({ id }) => app.rateLimit.keyOfOffender('default', id))
  t.equal(keys.filter((key) => key === null).length, 1000, 'of a long key only the beginning is known')
  t.ok(keys.includes(header(1).slice(0, 25)))
})
