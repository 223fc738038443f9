import { setTimeout } from 'node:timers/promises'
import { test } from 'tap'
import { fleetKeys } from '../../../../lib/store/redis/fleet/script.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { exchange, type Member, memberOf, PREFIX } from './support.js'

const only = (n: number) => ({ rate: n, burst: n, per: 'hour' }) as const
const [NO_SCRIPTS, SCRIPTS] = [
  ['-eval', '-evalsha'],
  ['+eval', '+evalsha'],
]
const permit = (server: Server, ...rules: string[]) => server.command('ACL', 'SETUSER', 'default', ...rules)

const isBlocked = async ({ app }: Member, key: string) => {
  const decision = await app.rateLimit.get('default').peek(key)
  return !decision.allowed && decision.blocked === true
}

for (const updated of [false, true]) {
  test(`a block and a reset hold where the code has another law, as in a rolling deploy${updated ? ', also under one law' : ''}`, async (t) => {
    const server = await startRedis(t)
    const old = await memberOf(t, server, only(50))
    const fresh = await memberOf(t, server, only(40))
    if (updated) old.app.rateLimit.update('default', only(50))
    await exchange(old, fresh)
    await fresh.app.rateLimit.block('default', 'spammer', '1 hour')
    await old.app.rateLimit.get('default').take('denied', { cost: 50 })
    await exchange(fresh, old)
    t.same([await isBlocked(fresh, 'spammer'), await isBlocked(old, 'spammer')], [true, true])
    await fresh.app.rateLimit.reset('default', 'denied')
    await exchange(fresh, old)
    t.match(await old.app.rateLimit.get('default').peek('denied'), { allowed: true, remaining: 50 })
    await fresh.app.rateLimit.reset('default', 'spammer')
    await exchange(fresh, old)
    t.same([await isBlocked(fresh, 'spammer'), await isBlocked(old, 'spammer')], [false, false])
  })
}

test('blocks outlive all processes and the log of changes, under whatever law comes', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  const keys = Array.from({ length: 600 }, (_, i) => `key ${i}`)
  await Promise.all(keys.map((key) => one.app.rateLimit.block('default', key, '7 days')))
  await one.app.rateLimit.reset('default', 'key 1')
  await one.app.rateLimit.block('default', 'key 2', 1)
  // So many are sent in several turns.
  for (let i = 0; i < 5; i++) await one.hand.tick()
  await one.app.close()
  const [, log] = fleetKeys(PREFIX)
  await server.command('DEL', log)
  const two = await memberOf(t, server, only(40))
  const three = await memberOf(t, server, only(50))
  three.app.rateLimit.update('default', only(30))
  for (const member of [two, three])
    t.same(await Promise.all(['key 0', 'key 1', 'key 2', 'key 599'].map((key) => isBlocked(member, key))), [
      true,
      false,
      false,
      true,
    ])
})

test('a process that missed the reset of a block hears of it in the state', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  const two = await memberOf(t, server, only(40))
  await one.app.rateLimit.block('default', 'spammer', '1 hour')
  await exchange(one, two)
  await one.app.rateLimit.reset('default', 'spammer')
  await one.hand.tick()
  const [, log] = fleetKeys(PREFIX)
  await server.command('DEL', log)
  t.equal(await isBlocked(two, 'spammer'), true)
  await exchange(two)
  t.equal(await isBlocked(two, 'spammer'), false)
})

test('a block that the store did not take is no change', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  await permit(server, '-set', '-psetex')
  await permit(server, ...NO_SCRIPTS)
  await t.rejects(Promise.resolve(one.app.rateLimit.block('default', 'spammer', '1 hour')), {
    code: 'FST_FLOODGATE_STORE',
  })
  await t.rejects(Promise.resolve(one.app.rateLimit.reset('default', 'spammer')), {
    code: 'FST_FLOODGATE_STORE',
  })
  t.same(one.app.rateLimit.changes(), [])
  await permit(server, ...SCRIPTS, '+set', '+psetex')
  one.app.rateLimit.update('default', only(40))
  t.equal(await isBlocked(one, 'spammer'), false, 'nor does it come with another law')
})

test('where there is no room for a block in the state, it is sent all the same', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  const two = await memberOf(t, server, only(40))
  one.app.rateLimit.override('default', 'acme', only(9))
  await exchange(one, two)
  const long = 'x'.repeat(16_300)
  await one.app.rateLimit.block('default', long, '1 hour')
  await exchange(one, two)
  t.equal(await isBlocked(two, long), false, 'this note is too long')
  const key = 'y'.repeat(15_500)
  await one.app.rateLimit.block('default', key, '1 hour')
  await exchange(one, two)
  t.equal(await isBlocked(two, key), true)
})

test('blocks begin again where the server lost everything', async (t) => {
  const server = await startRedis(t)
  const user = () => undefined
  const options = { ...only(50), limiters: { byUser: { ...only(5), key: user } } }
  const one = await memberOf(t, server, options)
  const two = await memberOf(t, server, options)
  one.app.rateLimit.override('default', 'acme', only(60))
  await exchange(one, two)
  for (const key of ['spammer', 'acme']) await one.app.rateLimit.block('default', key, '1 hour')
  await exchange(one, two)
  await server.command('FLUSHALL')
  await two.hand.tick()
  for (const key of ['spammer', 'acme']) t.equal(await isBlocked(two, key), true, key)
})

test('a reset holds where a process blocked the key again before it heard of it, under the same law', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  const two = await memberOf(t, server, only(50))
  await one.app.rateLimit.block('default', 'spammer', '1 hour')
  await exchange(one, two)
  await one.app.rateLimit.reset('default', 'spammer')
  two.app.rateLimit.update('default', only(50))
  t.equal(await isBlocked(two, 'spammer'), true, 'it does not know yet')
  await exchange(one, two)
  t.equal(await isBlocked(two, 'spammer'), false)
})

test('a law that comes while a key is blocked or reset has what was said of it', async (t) => {
  const server = await startRedis(t)
  const { app, ...rest } = await memberOf(t, server, only(50))
  const blocked = app.rateLimit.block('default', 'spammer', '1 hour')
  app.rateLimit.update('default', only(40))
  await blocked
  t.equal(await isBlocked({ app, ...rest }, 'spammer'), true)
  const reset = app.rateLimit.reset('default', 'spammer')
  app.rateLimit.update('default', only(30))
  await reset
  t.equal(await isBlocked({ app, ...rest }, 'spammer'), false)
})

test('a block that Redis did not take for a new law comes when Redis answers', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  const two = await memberOf(t, server, only(50))
  two.app.rateLimit.update('default', only(40))
  for (const key of ['spammer', 'free']) await one.app.rateLimit.block('default', key, '1 hour')
  await permit(server, ...NO_SCRIPTS)
  one.app.rateLimit.update('default', only(40))
  await setTimeout(50)
  t.equal(await isBlocked(one, 'spammer'), true, 'in this process')
  await permit(server, ...SCRIPTS)
  await until(
    'Redis to answer',
    async () => (await two.app.rateLimit.get('default').peek('any')).source === undefined,
  )
  await until('a reset', async () => {
    await one.app.rateLimit.reset('default', 'free')
    return true
  })
  await until('the block', () => isBlocked(two, 'spammer'))
  t.equal(await isBlocked(two, 'free'), false, 'what was reset meanwhile does not')
})

test('an override of a blocked key that comes while Redis is away is blocked when Redis answers', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  const two = await memberOf(t, server, only(50))
  two.app.rateLimit.override('default', 'spammer', only(60))
  await one.app.rateLimit.block('default', 'spammer', '1 hour')
  t.equal(await isBlocked(two, 'spammer'), false, 'the block is of another law')
  await permit(server, ...NO_SCRIPTS)
  one.app.rateLimit.override('default', 'spammer', only(60))
  await setTimeout(50)
  await permit(server, ...SCRIPTS)
  await until('the block', () => isBlocked(two, 'spammer'))
})

test('a process that starts does not reset again what was reset long ago', async (t) => {
  const server = await startRedis(t)
  const law = { algorithm: 'sliding-window', rate: 3, per: '10 minutes', block: '1 hour' } as const
  const old = await memberOf(t, server, { ...law, rate: 5 })
  await old.app.rateLimit.reset('default', 'guesser')
  await old.hand.tick()
  const fresh = await memberOf(t, server, law)
  const limiter = fresh.app.rateLimit.get('default')
  for (let i = 0; i < 4; i++) await limiter.take('guesser')
  t.equal(await isBlocked(fresh, 'guesser'), true)
  const late = await memberOf(t, server, law)
  t.match(late.app.rateLimit.changes(), [{ verb: 'reset', key: 'guesser' }], 'it is listed')
  await exchange(late, fresh)
  t.same([await isBlocked(late, 'guesser'), await isBlocked(fresh, 'guesser')], [true, true])
  // What is reset from now on counts.
  await old.app.rateLimit.reset('default', 'guesser')
  await exchange(old, late, fresh)
  t.same([await isBlocked(late, 'guesser'), await isBlocked(fresh, 'guesser')], [false, false])
})

test('a process that starts after a reset knows what earlier laws have blocked', async (t) => {
  const server = await startRedis(t)
  const one = await memberOf(t, server, only(50))
  await one.app.rateLimit.block('default', 'key', '1 hour')
  one.app.rateLimit.update('default', only(40))
  await exchange(one)
  await one.app.rateLimit.reset('default', 'key')
  await exchange(one)
  const late = await memberOf(t, server, only(50))
  t.equal(await isBlocked(late, 'key'), false)
  await one.app.close()
  late.app.rateLimit.update('default', null)
  await until('the lifted block to go', async () => !(await isBlocked(late, 'key')))
})

test('blocks go by the clock of the server, whatever those of processes say', async (t) => {
  const server = await startRedis(t)
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  for (const ahead of [2, -2]) {
    const key = `spammer ${ahead}`
    Date.now = () => now() + ahead * 3_600_000
    const wrong = await memberOf(t, server, only(50))
    await wrong.app.rateLimit.block('default', key, '1 hour')
    await exchange(wrong)
    await wrong.app.close()
    Date.now = now
    const right = await memberOf(t, server, only(40))
    const decision = await right.app.rateLimit.get('default').peek(key)
    t.match(decision, { allowed: false, blocked: true })
    const { retryAfter } = decision as { retryAfter: number }
    t.ok(retryAfter > 3_000_000 && retryAfter <= 3_700_000, `${retryAfter}`)
    await right.app.close()
  }
})
