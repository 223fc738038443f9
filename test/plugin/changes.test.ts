import { hostname } from 'node:os'
import { test } from 'tap'
import type { AnyPolicy, Decision, LimitsSource } from '../../types/index.js'
import { limited, ok, only } from './support/app.js'

const told = (list: readonly object[]) =>
  list.map((change) => Object.fromEntries(Object.entries(change).filter(([name]) => name !== 'at')))

test('each change is listed, the newest first, with who made it and why', async (t) => {
  const app = await limited({ limiters: { login: only(3) }, warnings: false })
  const { rateLimit } = app
  const start = Date.now()
  t.same(rateLimit.changes(), [])
  rateLimit.update('login', { rate: 5 }, { who: 'ana', comment: 'INC-42' })
  rateLimit.override(
    'login',
    'acme',
    { rate: 9 },
    { who: 'bo', until: '2999-01-01T00:00:00Z', comment: 'sale' },
  )
  rateLimit.override('login', 'acme', false, { until: new Date('2999-01-01T00:00:00Z') })
  rateLimit.override('login', 'acme', null)
  rateLimit.block('login', 'eve', '1 hour', { who: 'ana', comment: 'scraper' })
  rateLimit.block('login', 'eve', 1500)
  rateLimit.reset('login', 'eve', { who: 'bo' })
  const login = { limiter: 'login', key: 'acme', who: null, comment: '' }
  t.same(told(rateLimit.changes()), [
    { ...login, verb: 'reset', key: 'eve', text: 'as new', who: 'bo' },
    { ...login, verb: 'block', key: 'eve', text: 'blocked for 1500 ms' },
    { ...login, verb: 'block', key: 'eve', text: 'blocked for 1 hour', who: 'ana', comment: 'scraper' },
    { ...login, verb: 'override', text: 'ended' },
    { ...login, verb: 'override', text: 'no limit until 2999-01-01T00:00:00.000Z' },
    { ...login, verb: 'override', text: '{"rate":9} until 2999-01-01T00:00:00Z', who: 'bo', comment: 'sale' },
    { ...login, verb: 'update', key: null, text: '{"rate":5}', who: 'ana', comment: 'INC-42' },
  ])
  for (const { at } of rateLimit.changes()) t.ok(at.getTime() >= start && at.getTime() <= Date.now())
})

test('block and reset by name do what the limiter does', async (t) => {
  const { rateLimit } = await limited({ limiters: { login: only(3) }, warnings: false })
  const limiter = rateLimit.get('login')
  const isBlocked = () => (limiter.peek('eve') as { blocked?: boolean }).blocked === true
  rateLimit.block('login', 'eve', '1 hour')
  t.ok(isBlocked())
  rateLimit.reset('login', 'eve')
  t.notOk(isBlocked())
})

test('what a limiter is asked for itself is no change of the list', async (t) => {
  const { rateLimit } = await limited()
  rateLimit.get('default').block('eve', '1 hour')
  rateLimit.get('default').reset('eve')
  t.same(rateLimit.changes(), [])
})

test('the list has the last 100 changes', async (t) => {
  const { rateLimit } = await limited()
  for (let rate = 1; rate <= 150; rate++) rateLimit.update('default', { rate })
  t.equal(rateLimit.changes().length, 100)
  t.match(rateLimit.changes()[0], { text: '{"rate":150}' })
  t.match(rateLimit.changes()[99], { text: '{"rate":51}' })
  rateLimit.changes().pop()
  t.equal(rateLimit.changes().length, 100, 'it is a copy')
})

test('a change that is not allowed changes nothing and is not listed', async (t) => {
  const { rateLimit } = await limited()
  const code = 'FST_FLOODGATE_OPTION'
  const options = (value: object) => value as { who?: string }
  t.throws(() => rateLimit.update('default', { rate: 1 }, options({ who: 5 })), { code })
  t.throws(() => rateLimit.update('default', { rate: 1 }, { who: 'a'.repeat(201) }), { code })
  t.throws(() => rateLimit.update('default', { rate: 1 }, { comment: 'a'.repeat(1001) }), { code })
  t.throws(() => rateLimit.update('default', { rate: 1 }, options({ by: 'ana' })), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
  })
  t.throws(() => rateLimit.update('default', { rate: -1 }), { code })
  t.throws(() => rateLimit.override('default', 'acme', false, options({ who: 5 })), { code })
  t.throws(() => rateLimit.block('default', 'eve', '1 fortnight' as never), { code })
  t.throws(() => rateLimit.block('default', '', '1 hour'), { code: 'FST_FLOODGATE_KEY' })
  t.throws(() => rateLimit.reset('default', 5 as never), { code: 'FST_FLOODGATE_KEY' })
  t.throws(() => rateLimit.reset('other', 'eve'), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' })
  t.same(rateLimit.changes(), [])
  t.match(rateLimit.get('default').policies[0], { rate: 100 })
  t.notOk((rateLimit.get('default').peek('eve') as { blocked?: boolean }).blocked)
})

test('a document is a change', async (t) => {
  let apply: (text: string) => void = () => {}
  const source: LimitsSource = {
    start: async (onText) => {
      apply = onText
    },
    stop: () => {},
  }
  const app = await limited({
    limits: source,
    limiters: { login: only(3) },
    warnings: false,
    rateLimit: 'login',
  })
  t.teardown(() => app.close())
  app.get('/', ok)
  await app.ready()
  const change = { who: null, verb: 'document', limiter: null, key: null, comment: '' }
  const latest = () => told(app.rateLimit.changes())[0]
  const { version } = app.rateLimit.stats().limits ?? {}
  t.equal(version, null)
  const put = (document: object) => {
    apply(JSON.stringify(document))
    return app.rateLimit.stats().limits?.version
  }
  const override = (key: string) => ({ limiter: 'login', key, policy: false })
  const first = put({ limiters: { login: { rate: 4 }, default: {} }, overrides: [override('a')] })
  t.same(latest(), { ...change, text: `version ${first}: login, default; 1 override` })
  const second = put({ overrides: [override('a'), override('b')] })
  t.same(latest(), { ...change, text: `version ${second}; 2 overrides` })
  put({ limiters: { login: { rate: -1 } } })
  t.equal(app.rateLimit.changes().length, 2)
})

test('the options of a limiter are what update() takes, with what they inherit', async (t) => {
  const { rateLimit } = await limited({
    ...only(7),
    wait: '1 second',
    limiters: {
      plain: {},
      login: { algorithm: 'sliding-window', rate: 5, per: '15 minutes', block: '1 hour', charge: 'failed' },
      reports: { algorithm: 'concurrency', limit: 3, status: 503, cost: 2 },
      both: [{ rate: 5 }, { name: 'daily', rate: 50, per: 'day', burst: 50 }],
      closed: { rate: 0 },
      counted: { cost: () => 3, charge: () => 1, key: () => 'one' },
    },
    warnings: false,
  })
  const bucket = { algorithm: 'token-bucket', cost: 1, wait: '1 second' }
  t.same(rateLimit.optionsOf('plain'), { ...bucket, ...only(7) })
  t.same(rateLimit.optionsOf('login'), {
    algorithm: 'sliding-window',
    rate: 5,
    per: '15 minutes',
    block: '1 hour',
    charge: 'failed',
    cost: 1,
  })
  t.same(rateLimit.optionsOf('reports'), {
    algorithm: 'concurrency',
    limit: 3,
    hold: 60_000,
    status: 503,
    cost: 2,
  })
  t.same(rateLimit.optionsOf('both'), [
    { ...bucket, rate: 5, per: 'hour', burst: 5 },
    { ...bucket, name: 'daily', rate: 50, per: 'day', burst: 50 },
  ])
  t.same(rateLimit.optionsOf('closed'), {
    algorithm: 'token-bucket',
    rate: 0,
    per: 'hour',
    burst: 0,
    cost: 1,
    wait: '1 second',
  })
  t.same(rateLimit.optionsOf('counted'), { algorithm: 'token-bucket', ...only(7), wait: '1 second' })
  t.throws(() => rateLimit.optionsOf('other'), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' })

  for (const { name, policies } of rateLimit) {
    const options = rateLimit.optionsOf(name)
    rateLimit.update(name, options)
    t.strictSame(rateLimit.get(name).policies, policies, `${name} is as before`)
    t.same(rateLimit.optionsOf(name), options)
  }
  const edited = rateLimit.optionsOf('login') as { rate: number }
  edited.rate = 1
  t.match(rateLimit.optionsOf('login'), { rate: 5 }, 'what is returned is a copy')
  rateLimit.update('login', edited as AnyPolicy)
  t.match(rateLimit.get('login').peek('key') as Decision, { limit: 1 })
})

test('without a store that processes share there is this process', async (t) => {
  const { rateLimit } = await limited()
  const [report, ...others] = rateLimit.processes()
  t.same(others, [])
  t.match(report, { id: /^[\w-]{36}$/, host: hostname(), pid: process.pid, isThis: true, at: Date })
  t.same(report.stats, rateLimit.stats())
  t.equal(rateLimit.processes()[0].id, report.id)
})
