import { test } from 'tap'
import { fleetKeys } from '../../../../lib/store/redis/fleet/script.js'
import type { LimitsSource } from '../../../../types/index.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { exchange, type Member, memberOf, PREFIX } from './support.js'

const only = (n: number) => ({ rate: n, burst: n, per: 'hour' }) as const
const policies = ({ app }: Member, name = 'default') => app.rateLimit.get(name).policies
const limitOf = async ({ app }: Member, key: string) => (await app.rateLimit.get('default').peek(key)).limit

test('an update is the same in all processes: what it says, keeps and inherits', async (t) => {
  const server = await startRedis(t)
  const limiters = { search: { ...only(20), enforce: false, cost: 2 }, list: [only(5), only(9)] }
  const start = () => memberOf(t, server, { ...only(10), limiters } as never)
  const [one, two] = [await start(), await start()]
  const agree = async (what: string) => {
    await exchange(one, two)
    for (const name of ['default', 'search', 'list']) {
      t.same(policies(two, name), policies(one, name), `${what}: ${name}`)
      t.same(two.app.rateLimit.optionsOf(name), one.app.rateLimit.optionsOf(name), `${what}: ${name}`)
    }
  }
  one.app.rateLimit.update('search', { rate: 7 })
  await agree('a rate')
  t.match(policies(two, 'search'), [{ rate: 7, enforce: 0 }])
  one.app.rateLimit.update('search', { rate: 8, enforce: true, status: 503 })
  one.app.rateLimit.update('default', { algorithm: 'sliding-window', rate: 3 })
  await agree('other options')
  two.app.rateLimit.update('search', [only(3), { ...only(4), per: 'day' }])
  one.app.rateLimit.update('list', { rate: 6, burst: 6 })
  await agree('a list, and a list no more')
  t.match(policies(one, 'search'), [{ enforce: 1 }, { enforce: 1 }])
  for (const name of ['default', 'search', 'list']) two.app.rateLimit.update(name, null)
  await agree('the end')
  t.match(policies(one, 'search'), [{ rate: 20, enforce: 0 }])
  const cost = () => 3
  one.app.rateLimit.update('default', { rate: 9, cost })
  await exchange(one, two)
  t.match(
    [one, two].map(({ app }) => app.rateLimit.optionsOf('default')),
    [{ rate: 9 }, { rate: 9 }],
  )
  t.same([one.lines, two.lines], [[], []])
})

test('overrides come with their ends and comments, and win over a document', async (t) => {
  const server = await startRedis(t)
  const document = { overrides: [{ limiter: 'default', key: 'acme', rate: 40, burst: 40 }] }
  const limits: LimitsSource = { start: async (apply) => apply(JSON.stringify(document)), stop: () => {} }
  const start = () => memberOf(t, server, { ...only(10), limits })
  const [one, two] = [await start(), await start()]
  const until = new Date(Date.now() + 3_600_000)
  one.app.rateLimit.override('default', 'acme', only(50), { until, comment: 'sale' })
  one.app.rateLimit.override('default', 'probe', false)
  const over = Date.now() + 3000
  one.app.rateLimit.override('default', 'over', false, { until: new Date(over) })
  while (Date.now() <= over) await new Promise((resolve) => setTimeout(resolve, 20))
  one.app.rateLimit.update('default', { rate: 5, burst: 5 })
  await exchange(one, two)
  t.match(two.app.rateLimit.overrides(), [
    { key: 'acme', policy: only(50), until, comment: 'sale' },
    { key: 'probe', policy: false, until: null },
  ])
  t.equal(two.app.rateLimit.overrides().length, 2)
  t.same([await limitOf(two, 'acme'), await limitOf(two, 'any')], [50, 5])
  two.app.rateLimit.override('default', 'acme', null)
  await exchange(two, one)
  t.equal(await limitOf(one, 'acme'), 40, 'that of the document is back')
  const three = await start()
  t.same([await limitOf(three, 'acme'), await limitOf(three, 'any')], [40, 5])
})

test('what another process does is listed at the time of the change', async (t) => {
  const server = await startRedis(t)
  const [one, two] = [await memberOf(t, server, only(10)), await memberOf(t, server, only(10))]
  await one.app.rateLimit.block('default', 'spammer', '1 hour', { who: 'ana', comment: 'INC-42' })
  await one.hand.tick()
  await new Promise((resolve) => setTimeout(resolve, 5))
  two.app.rateLimit.update('default', only(5), { who: 'bob' })
  await two.app.rateLimit.reset('default', 'spammer')
  await exchange(two, one)
  const listed = ({ app }: Member) =>
    app.rateLimit.changes().map(({ who, verb, key, text, comment }) => [who, verb, key, text, comment])
  const expected = [
    [null, 'reset', 'spammer', 'as new', ''],
    ['bob', 'update', null, JSON.stringify(only(5)), ''],
    ['ana', 'block', 'spammer', 'blocked for 1 hour', 'INC-42'],
  ]
  t.same([listed(one), listed(two)], [expected, expected])
  t.ok(two.app.rateLimit.changes().every(({ at }) => Math.abs(at.getTime() - Date.now()) < 60_000))
})

test('a block goes on under a law that another process puts in force, until a reset', async (t) => {
  const server = await startRedis(t)
  const start = () => memberOf(t, server, only(10))
  const [one, two] = [await start(), await start()]
  two.app.rateLimit.override('default', 'acme', only(50))
  for (const key of ['spammer', 'acme']) await one.app.rateLimit.block('default', key, '1 hour')
  await exchange(two, one)
  await one.app.close()
  two.app.rateLimit.update('default', only(5))
  two.app.rateLimit.override('default', 'acme', only(51))
  const peek = (key: string) => two.app.rateLimit.get('default').peek(key)
  for (const key of ['spammer', 'acme']) t.match(await peek(key), { allowed: false, blocked: true }, key)
  const three = await start()
  for (const key of ['spammer', 'acme']) await three.app.rateLimit.reset('default', key)
  await exchange(three, two)
  two.app.rateLimit.update('default', only(6))
  two.app.rateLimit.override('default', 'acme', only(52))
  for (const key of ['spammer', 'acme']) t.match(await peek(key), { allowed: true }, key)
})

test('a reset holds also where a process that does not know of it changes the law meanwhile', async (t) => {
  const server = await startRedis(t)
  const start = () => memberOf(t, server, only(10))
  const [one, two] = [await start(), await start()]
  for (const key of ['spammer', 'acme']) await one.app.rateLimit.block('default', key, '1 hour')
  await exchange(one, two)
  for (const key of ['spammer', 'acme']) await one.app.rateLimit.reset('default', key)
  await one.app.rateLimit.block('default', 'acme', '2 hours')
  two.app.rateLimit.update('default', only(5))
  two.app.rateLimit.override('default', 'acme', only(50))
  const peek = (key: string) => two.app.rateLimit.get('default').peek(key)
  t.match(await peek('spammer'), { allowed: false }, 'it is blocked again, under the new law')
  await exchange(one, two)
  t.match(await peek('spammer'), { allowed: true }, 'and reset again')
  t.match(await peek('acme'), { allowed: false, blocked: true }, 'what is blocked by now is not')
})

test('a limiter that is not known is left out, until it is', async (t) => {
  const server = await startRedis(t)
  const limiters = { search: only(20), login: only(9) }
  const [one, two] = [
    await memberOf(t, server, { ...only(10), limiters }),
    await memberOf(t, server, only(10)),
  ]
  one.app.rateLimit.update('search', only(7))
  one.app.rateLimit.override('search', 'acme', only(70))
  one.app.rateLimit.update('login', only(8))
  await one.app.rateLimit.block('search', 'spammer', '1 hour')
  await exchange(one, two)
  one.app.rateLimit.update('login', null)
  await exchange(one, two)
  t.same(two.lines, [])
  t.equal(two.app.rateLimit.changes().length, 5, 'it is listed all the same')
  for (const [name, policy] of Object.entries(limiters)) two.app.rateLimit.define(name, policy)
  t.match([policies(two, 'search'), policies(two, 'login')], [[{ rate: 7 }], [{ rate: 9 }]])
  t.equal((await two.app.rateLimit.get('search').peek('acme')).limit, 70)
})

test('what is not allowed in another version, or cannot be read, is logged, and the rest holds', async (t) => {
  const server = await startRedis(t)
  const start = (key: 'ip' | 'global') =>
    memberOf(t, server, { ...only(10), limiters: { work: { ...only(3), key }, other: only(20) } })
  const [one, two] = [await start('global'), await start('ip')]
  one.app.rateLimit.update('work', { rate: 7, key: 'global' })
  one.app.rateLimit.update('other', { rate: 7 })
  await one.hand.tick()
  const [state, log] = fleetKeys(PREFIX)
  const stamp = String(Date.now() * 1000 + 60_000_000)
  await server.command('HSET', state, '0 strange', ':{"later":1}', '#stamp', stamp)
  await server.command('RPUSH', log, stamp, '0 strange', ':{"later":1}', 'id:no JSON')
  await exchange(two)
  const line = 'a change by another process cannot be put in force here: what was in force stays'
  t.same(two.lines, [line, line, line])
  t.match([policies(two, 'work'), policies(two, 'other')], [[{ rate: 3 }], [{ rate: 7 }]])
  await exchange(two)
  t.equal(two.lines.length, 3, 'once')
})

test('a change that is too large for a fleet changes nothing', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(10))
  const list = Array.from({ length: 300 }, (_, i) => ({ ...only(9), name: `policy-${i}` }))
  t.throws(() => one.app.rateLimit.update('default', list), { code: 'FST_FLOODGATE_OPTION' })
  t.throws(() => one.app.rateLimit.override('default', 'x'.repeat(20_000), only(5)), /at most 16384/)
  t.throws(() => one.app.rateLimit.update('default', { rate: 5n } as never), { code: 'FST_FLOODGATE_OPTION' })
  t.match(policies(one), [{ rate: 10 }])
  t.same([one.app.rateLimit.overrides(), one.app.rateLimit.changes()], [[], []])
})

test('the log says that changes do not come and go, and that they do again', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(10))
  await server.command('ACL', 'SETUSER', 'default', '-hset')
  one.app.rateLimit.update('default', only(5))
  await one.hand.tick()
  await server.command('ACL', 'SETUSER', 'default', '+hset')
  await one.hand.tick()
  t.match(one.lines, [
    /not learn what is changed by hand/,
    /^changes by hand reach the other processes again/,
  ])
})

test('processes() lists the processes of the fleet while it is asked', async (t) => {
  const server = await startRedis(t)
  const start = () => memberOf(t, server, only(10))
  const [one, two] = [await start(), await start()]
  await two.app.rateLimit.get('default').take('key')
  t.match(one.app.rateLimit.processes(), [{ isThis: true, pid: process.pid }])
  await exchange(one, two)
  await exchange(one, two)
  const [first, second] = one.app.rateLimit.processes()
  t.equal(first.isThis, true)
  t.match(second, { isThis: false, pid: process.pid, host: first.host })
  t.not(second.id, first.id)
  t.ok(second.at instanceof Date && second.stats.since instanceof Date)
  t.same(second.stats, two.app.rateLimit.stats())
  const [, , , , , reports] = fleetKeys(PREFIX)
  await server.command('HSET', reports, '0 newer', `${Date.now() * 1000} {"at":"soon"}`)
  await one.hand.tick()
  t.equal(one.app.rateLimit.processes().length, 2, 'what cannot be read is left out')
  await two.app.close()
  await one.hand.tick()
  t.equal(one.app.rateLimit.processes().length, 1)
})
