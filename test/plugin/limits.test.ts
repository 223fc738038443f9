import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit from '../../lib/index.js'
import { fileLimits } from '../../lib/limits.js'
import type { LimitsSource, RateLimitOptions } from '../../types/index.js'
import { ask, frozenStore, limited, ok, only } from './support/app.js'

/** A source that delivers what a test says. */
function byHand(first: object = {}) {
  let apply: (text: string) => void = () => {}
  let stopped = 0
  const source: LimitsSource = {
    start: async (onText) => {
      apply = onText
      apply(JSON.stringify(first))
    },
    stop: () => {
      stopped++
    },
  }
  return { source, deliver: (document: object) => apply(JSON.stringify(document)), stopped: () => stopped }
}

async function appWith(t: Test, first: object, options: RateLimitOptions = {}) {
  const { source, deliver, stopped } = byHand(first)
  const app = await limited({ limits: source, warnings: false, ...options })
  t.teardown(() => app.close())
  app.get('/', ok)
  app.get('/login', { config: { rateLimit: 'login' } }, ok)
  await app.ready()
  const limit = (name = 'default', key = 'key') =>
    (app.rateLimit.get(name).peek(key) as { limit: number }).limit
  return { app, deliver, stopped, limit }
}

test('a file is in force before the first request', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-limits-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'limits.json')
  writeFileSync(path, JSON.stringify({ limiters: { default: only(2) } }))
  const app = await limited({ limits: fileLimits(path) })
  t.teardown(() => app.close())
  app.get('/', ok)
  t.same(await ask(app, 'GET /'), ['200 1'])
})

test('the app does not start with a document that is not allowed, or does not fit it', async (t) => {
  const start = async (document: object) => {
    const app = await limited({ limits: byHand(document).source, limiters: { login: {} }, warnings: false })
    t.teardown(() => app.close())
    await app.ready()
  }
  const refused = (document: object, message: RegExp) =>
    t.rejects(start(document), { message }, String(message))
  await refused({ limiters: { login: { rate: '5' } } }, /option 'limiters\.login\.rate' is '5'/)
  await refused(
    { limiters: { logn: {} } },
    /no limiter is called 'logn'; did you mean 'login'\?.*needed by limiters\.logn/,
  )
  await refused({ limiters: { guard: {} } }, /no limiter is called 'guard'/)
  const overrides = [{ limiter: 'logn', key: 'a', policy: false }]
  await refused({ overrides }, /no limiter is called 'logn'.*needed by overrides\[0\]\.limiter/)
  const wrong = [{ limiter: 'login', key: 'a', algorithm: 'sliding-window', rate: 2_000_000 }]
  await refused({ overrides: wrong }, /option 'overrides\[0\]\.rate' is 2000000/)
})

test('the file wins over the environment, and the environment over the code', async (t) => {
  process.env.LIMITS_TEST_RATE_LIMIT_PER_MIN = '30'
  t.teardown(() => delete process.env.LIMITS_TEST_RATE_LIMIT_PER_MIN)
  const first = { limiters: { default: { burst: 7 } } }
  const { app, deliver } = await appWith(t, first, {
    env: 'LIMITS_TEST_',
    rate: 5,
    per: 'hour',
    burst: 3,
    limiters: { login: {} },
  })
  const inForce = () => app.rateLimit.get('default').policies[0]
  t.match(inForce(), { rate: 30, per: 60_000, limit: 7 })
  deliver({ limiters: { default: { rate: 50 } } })
  t.match(inForce(), { rate: 50, per: 60_000, limit: 3 })
  deliver({})
  t.match(inForce(), { rate: 30, per: 60_000, limit: 3 })
})

test('an entry changes what it names and keeps the rest; one that goes away restores the code', async (t) => {
  const login = {
    name: 'logins',
    algorithm: 'sliding-window',
    rate: 5,
    per: '15 minutes',
    block: '1 hour',
  } as const
  const { app, deliver } = await appWith(
    t,
    { limiters: { login: { rate: 3 } } },
    { ...only(9), limiters: { login } },
  )
  const inForce = () => app.rateLimit.get('login').policies[0]
  t.match(inForce(), { ...login, rate: 3, per: 900_000, block: { for: 3_600_000 } })
  deliver({ limiters: { login: { algorithm: 'token-bucket', burst: 2 } } })
  t.match(inForce(), { name: 'logins', algorithm: 'token-bucket', rate: 5, per: 900_000, limit: 2 })
  deliver({ limiters: { login: { status: 503 } } })
  t.match(inForce(), { ...login, per: 900_000, block: { for: 3_600_000 } })
  t.match(await ask(app, ...Array(6).fill('GET /login')), [
    '200 4',
    '200 3',
    '200 2',
    '200 1',
    '200 0',
    '503 0',
  ])
  deliver({})
  t.match(await ask(app, 'GET /login'), ['429 0'])
})

test('a limiter of several policies takes a list, or what holds for all of them', async (t) => {
  const pair = [only(3), { ...only(9), per: 'day' as const }]
  const { app, deliver } = await appWith(t, {}, { ...only(9), limiters: { login: pair } })
  const rates = () => app.rateLimit.get('login').policies.map(({ rate }) => rate)
  deliver({ limiters: { login: { cost: 3 } } })
  t.same(await ask(app, 'GET /login', 'GET /login'), ['200 0', '429 0'])
  t.same(rates(), [3, 9])
  deliver({ limiters: { login: [{ rate: 4 }, { rate: 20, per: 'day' }] } })
  t.same(rates(), [4, 20])
  deliver({ limiters: { login: { rate: 1 } } })
  t.match(app.rateLimit.stats().limits, {
    invalid: 1,
    lastError: "option 'limiters.login.rate' is 1; allowed: none: give a list of all policies",
  })
  t.same(rates(), [4, 20])
  deliver({
    limiters: { default: [{ rate: 1 }, { rate: 2, per: 'day' }] },
    overrides: [{ limiter: 'login', key: 'a', rate: 7, burst: 7 }],
  })
  t.same(rates(), [3, 9])
  t.match(app.rateLimit.get('login').peek('a'), { limit: 7, policy: 'login-3-per-hour' })
})

test('overrides come and go with the document, on top of what it makes of their limiters', async (t) => {
  const first = {
    overrides: [
      { limiter: 'default', key: 'acme', rate: 50 },
      { limiter: 'default', key: 'probe', policy: false },
    ],
  }
  const { app, deliver, limit } = await appWith(t, first, { rate: 5, burst: 3, limiters: { login: {} } })
  t.equal(limit('default', 'acme'), 3)
  t.equal(limit('default', 'probe'), Number.POSITIVE_INFINITY)
  app.rateLimit.override('default', 'mine', only(8))
  const next = ['acme', 'bob'].map((key) => ({ limiter: 'default', key, rate: 70 }))
  deliver({ limiters: { default: { burst: 6 } }, overrides: next })
  t.same(
    [limit(), limit('default', 'acme'), limit('default', 'bob'), limit('default', 'probe')],
    [6, 6, 6, 6],
  )
  t.equal(limit('default', 'mine'), 8, 'those of the code stay')
  t.match(
    app.rateLimit.overrides().map(({ key, used }) => `${key} ${used}`),
    ['mine 1', 'acme 2', 'bob 1'],
  )
  deliver({})
  t.match(
    app.rateLimit.overrides().map(({ key }) => key),
    ['mine'],
  )
})

test('what a document has in common with the one before is kept, unless what it inherits has changed', async (t) => {
  const acme = { limiter: 'default', key: 'acme', rate: 50 }
  const bob = { limiter: 'default', key: 'bob', rate: 50 }
  const first = { limiters: { default: { burst: 3 } }, overrides: [acme, bob] }
  const { app, deliver, limit } = await appWith(t, first, { rate: 5, limiters: { login: {} } })
  const lawOf = (key: string) => app.rateLimit.overrides().find((one) => one.key === key)?.inForce
  const before = lawOf('acme')
  t.equal(lawOf('bob'), before, 'equal policies are one')
  deliver({
    ...first,
    overrides: [
      { ...acme, comment: 'sale' },
      { ...bob, rate: 60 },
    ],
  })
  t.equal(lawOf('acme'), before)
  t.match(lawOf('bob'), { rate: 60, limit: 3 })
  app.rateLimit.update('default', { rate: 5, burst: 4 })
  deliver(first)
  t.same([limit(), limit('default', 'acme')], [4, 4], 'by hand')
  app.rateLimit.update('default', null)
  deliver({ ...first, limiters: { default: { burst: 2 } } })
  t.same([limit(), limit('default', 'acme')], [2, 2], 'by the document')
  deliver({ overrides: [acme] })
  t.same([limit(), limit('default', 'acme'), limit('default', 'bob')], [5, 10, 5], 'by the code')
  deliver({ ...first, overrides: [acme, { ...bob, limiter: 'nobody' }] })
  t.same([limit(), limit('default', 'acme')], [5, 10], 'a document that is not allowed changes nothing')
  deliver(first)
  t.same([limit(), limit('default', 'acme'), limit('default', 'bob')], [3, 3, 3])
})

test('a document that is not allowed changes nothing, and is counted', async (t) => {
  const { app, deliver, limit } = await appWith(t, {}, { ...only(5), limiters: { login: only(4) } })
  deliver({
    limiters: { default: only(9), login: only(8) },
    overrides: [{ limiter: 'nobody', key: 'a', rate: 7 }],
  })
  deliver({ limiters: { default: only(9), login: { rate: -1 } } })
  t.same([limit(), limit('login')], [5, 4])
  t.match(app.rateLimit.stats().limits, {
    ok: 1,
    invalid: 2,
    unreadable: 0,
    lastError: /limiters\.login\.rate/,
  })
})

test('a document that is delivered again keeps what keys have spent', async (t) => {
  const document = { limiters: { default: only(3) } }
  const { app, deliver } = await appWith(t, document, { limiters: { login: {} } })
  t.same(await ask(app, 'GET /', 'GET /'), ['200 2', '200 1'])
  deliver(document)
  t.same(await ask(app, 'GET /'), ['200 0'])
  t.equal(app.rateLimit.changes().length, 1, 'nothing has changed')
  t.match(app.rateLimit.stats().limits, { ok: 1 })
})

test('what wins: an override, then an update, the document, the environment, the code', async (t) => {
  process.env.WINS_RATE_LIMIT_PER_MIN = '6'
  t.teardown(() => Reflect.deleteProperty(process.env, 'WINS_RATE_LIMIT_PER_MIN'))
  const document = {
    limiters: { default: only(4) },
    overrides: [{ limiter: 'default', key: 'acme', ...only(3) }],
  }
  const { app, deliver, limit } = await appWith(t, {}, { ...only(5), limiters: { login: {} }, env: 'WINS_' })
  const limits = () => [app.rateLimit.get('default').policies[0].rate, limit('default', 'acme')]
  t.same(limits(), [6, 5], 'the environment over the code')
  deliver(document)
  t.same(limits(), [4, 3], 'the document over both')
  const byHand = [
    () => app.rateLimit.update('default', only(7)),
    () => app.rateLimit.override('default', 'acme', only(8)),
  ]
  for (const order of [byHand, [...byHand].reverse()]) {
    for (const change of order) change()
    t.same(limits(), [7, 8], 'what is said by hand over the document')
    deliver({})
    t.same(limits(), [7, 8])
    deliver(document)
    t.same(limits(), [7, 8], 'also where the document comes later')
    app.rateLimit.override('default', 'acme', null)
    t.same(limits(), [7, 3])
    app.rateLimit.update('default', null)
    t.same(limits(), [4, 3], 'and the document again when that ends')
  }
  const end = Date.now() + 60_000
  app.rateLimit.override('default', 'acme', only(8), { until: new Date(end) })
  t.same(limits(), [4, 8])
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  Date.now = () => end
  t.same(limits(), [4, 3])
  deliver({})
  t.same(limits(), [6, 5])
})

test('what an update leaves out of cost, charge and status follows the document', async (t) => {
  const { app, deliver } = await appWith(t, {}, { limiters: { login: { cost: 2 } } })
  const rules = () => {
    const { cost, charge } = app.rateLimit.optionsOf('login') as { cost?: number; charge?: string }
    return [cost, charge]
  }
  app.rateLimit.update('login', { rate: 5, charge: 'failed' })
  t.same(rules(), [2, 'failed'])
  deliver({ limiters: { login: { cost: 3, charge: 'succeeded' } } })
  t.same(rules(), [3, 'failed'])
  app.rateLimit.update('login', null)
  t.same(rules(), [3, 'succeeded'])
})

test('a block is lifted from an override of a document that another one hides', async (t) => {
  const document = { overrides: [{ limiter: 'default', key: 'acme', ...only(3) }] }
  const { app } = await appWith(t, document, { limiters: { login: {} } })
  const limiter = app.rateLimit.get('default')
  const isBlocked = () => (limiter.peek('acme') as { blocked?: boolean }).blocked === true
  app.rateLimit.override('default', 'acme', only(8))
  limiter.block('acme', '1 hour')
  app.rateLimit.override('default', 'acme', null)
  t.ok(isBlocked(), 'it was blocked there, too')
  app.rateLimit.override('default', 'acme', only(8))
  limiter.reset('acme')
  app.rateLimit.override('default', 'acme', null)
  t.notOk(isBlocked())
})

test('the guard changes, and OpenAPI documents the limits that are in force at ready', async (t) => {
  const { app } = await appWith(
    t,
    { limiters: { guard: only(4) } },
    { ...only(5), guard: only(9), limiters: { login: {} } },
  )
  t.same(await ask(app, 'GET /'), ['200 3'])
})

test('the source ends when the app closes', async (t) => {
  const { app, stopped } = await appWith(t, {}, { limiters: { login: {} } })
  t.equal(stopped(), 0)
  await app.close()
  t.equal(stopped(), 1)
})

test('the option takes a source and nothing else', async (t) => {
  for (const limits of ['limits.json', null, {}, { start: () => {} }]) {
    const app = Fastify()
    const registered = app.register(rateLimit, { limits: limits as never, store: frozenStore() })
    await t.rejects(Promise.resolve(registered), {
      message: /option 'limits' is .*a source of limits, such as fileLimits/,
    })
  }
})

test('under load, a thousand documents cause no error, and no decision by a law that was not in force', async (t) => {
  const laws = [2, 3, 5, 7, 11, 13]
  const { app, deliver } = await appWith(t, {}, { ...only(1), limiters: { login: {} } })
  const admitted = new Map<string, number>()
  const wrong: string[] = []
  const request = async (inForce: readonly number[]) => {
    const { statusCode, headers } = await app.inject('/')
    const limit = String(headers['x-ratelimit-limit'])
    if (!inForce.includes(Number(limit)) || ![200, 429].includes(statusCode))
      wrong.push(`${statusCode} ${limit}`)
    if (statusCode === 200) admitted.set(limit, (admitted.get(limit) ?? 0) + 1)
  }
  let before = 1
  for (let i = 0; i < 1000; i++) {
    const law = laws[i % laws.length]
    // Two requests are under way while the document changes.
    const pending = [request([before, law]), request([before, law])]
    deliver({ limiters: { default: only(law) } })
    if (i % 10 === 0) deliver({ limiters: { default: only(law), login: { rate: -1 } } })
    await Promise.all([...pending, request([law])])
    before = law
  }
  t.same(wrong, [])
  t.match(app.rateLimit.stats().limits, { ok: 1001, invalid: 100 })
  // Time stands still: each law has one burst in all, however often it comes back.
  for (const [limit, count] of admitted) t.ok(count <= Number(limit), `${count} by the law of ${limit}`)
  t.ok(admitted.size >= laws.length)
})

test('an override of an address under which nobody is counted is refused, and its path named', async (t) => {
  const { app, deliver } = await appWith(t, {}, { ...only(1), limiters: { login: {} } })
  const overrides = (key: string) =>
    [
      { limiter: 'login', key: '10.0.0.1' },
      { limiter: 'default', key },
    ].map((one) => ({ ...one, policy: false }))
  deliver({ overrides: overrides('2001:db8::1') })
  t.match(app.rateLimit.stats().limits, {
    invalid: 1,
    lastError:
      "option 'overrides[1].key' is no address as the limiter counts it; allowed: an address as ipKey() returns it: IPv4, or an IPv6 network such as 2001:db8::/64",
  })
  t.equal(app.rateLimit.overrides().length, 0)
  deliver({ overrides: overrides('2001:db8::/64') })
  t.equal(app.rateLimit.overrides().length, 2)
})
