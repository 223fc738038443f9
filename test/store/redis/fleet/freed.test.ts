import { test } from 'tap'
import { FreedNames } from '../../../../lib/store/redis/fleet/freed-names.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { clientOf, limiterOf, Times } from '../one-server.js'
import { freshPrefix } from '../support.js'
import { join, Listener, pair } from './support.js'

test('names of keys reach others once, and not the process that sent them', async (t) => {
  const { one, two } = await pair(t)
  one.fleet.free('a')
  one.fleet.free('b')
  await one.hand.tick()
  await two.hand.tick()
  t.same([one.forgot, two.forgot], [[], ['a', 'b']])
  two.fleet.free('b')
  await two.hand.tick()
  one.fleet.free('b')
  await one.hand.tick()
  t.same(one.forgot, ['b'], 'another process freed it, too')
  await two.hand.tick()
  await two.hand.tick()
  t.same(two.forgot, ['a', 'b', 'b'])
})

test('who missed more names than are remembered forgets all', async (t) => {
  const { server, one, two } = await pair(t)
  for (let i = 0; i < 10_000; i++) one.fleet.free(`${i}`)
  await one.hand.tick()
  await two.hand.tick()
  t.equal(two.forgot.splice(0).length, 10_000)
  for (let i = 0; i < 10_002; i++) one.fleet.free(`${i}`)
  await one.hand.tick()
  await two.hand.tick()
  t.same([one.forgot.splice(0), two.forgot.splice(0)], [['*'], ['*']])
  await two.hand.tick()
  t.same(two.forgot, [])
  await server.command('FLUSHALL')
  await two.hand.tick()
  t.same(two.forgot.splice(0), ['*'], 'the server restarted empty')
  one.fleet.free('a')
  await one.hand.tick()
  await two.hand.tick()
  t.same(two.forgot, ['a'])
})

test('names that could not be sent are sent later', async (t) => {
  const { server, one, two } = await pair(t)
  await server.command('ACL', 'SETUSER', 'default', '-incrby')
  one.fleet.free('a')
  await one.hand.tick()
  for (let i = 0; i < 10_002; i++) two.fleet.free(`${i}`)
  await two.hand.tick()
  await server.command('ACL', 'SETUSER', 'default', '+incrby')
  await one.hand.tick()
  t.equal(one.member.failures.length, 0, 'nobody is told of one failure')
  await two.hand.tick()
  t.same(two.forgot, ['*'])
})

test('over nodes that reply in any order, names are heard twice', async (t) => {
  const names = new FreedNames(true)
  const hear = (...heard: string[]) =>
    names.read({ names: heard, count: '1' } as never, { names: new Set<string>() })
  t.same([hear('a'), hear('b'), hear(), hear()], [['a'], ['a', 'b'], ['b'], []])
})

test('a store without a registration sends names, and then asks no more', async (t) => {
  const server = await startRedis(t)
  const [one, two] = [await join(t, server, { start: false }), await join(t, server)]
  one.fleet.free('a')
  one.hand.fire()
  await until('the name to come', async () => {
    await two.hand.tick()
    return two.forgot.length > 0
  })
  t.equal(one.hand.isArmed, false)
})

test('a block in one process ends a lease in another, and a reset a denial that is remembered', async (t) => {
  const server = await startRedis(t)
  const [times, prefix] = [new Times(), freshPrefix()]
  const client = await clientOf(t, server)
  const [first, second] = [1, 2].map(() => times.store(client, { prefix, lease: 20 }))
  const listener = second.fleet.join(new Listener())
  await listener.start()
  t.teardown(() => [listener.stop(), second.close()])
  const policy = { rate: 100, per: 'hour', burst: 100 } as const
  const [blocking, spending] = [first, second].map((store) => limiterOf(store, policy))
  for (let i = 0; i < 12; i++) await spending.take('key')
  await blocking.block('key', '1 hour')
  t.equal((await spending.take('key')).allowed, true, 'it holds units, on a clock that stands still')
  const isDenied = async () => !(await spending.peek('key')).allowed
  await until('the lease to end', isDenied, 15_000)
  t.match(await spending.take('key'), { allowed: false, blocked: true })
  await blocking.reset('key')
  t.equal(await isDenied(), true, 'it remembers the denial')
  await until('it to be forgotten', async () => !(await isDenied()), 15_000)
  for (let i = 0; i < 12; i++) await spending.take('key')
  for (let i = 0; i < 10_002; i++) first.fleet.free(`${i}`)
  const held = async () => (await spending.peek('key')).remaining !== (await blocking.peek('key')).remaining
  t.equal(await held(), true)
  await until('all that is leased to go back', async () => !(await held()), 15_000)
})
