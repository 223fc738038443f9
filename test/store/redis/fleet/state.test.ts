import { test } from 'tap'
import { fleetKeys } from '../../../../lib/store/redis/fleet/script.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { keySlot } from '../../../fixtures/redis/key-slot.js'
import { keysWithoutTtl } from '../../../fixtures/redis/monitor.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { join, pair } from './support.js'

for (const flavour of clients) {
  test(`${flavour.name}: what one process puts in force others hear, once and in order`, async (t) => {
    const server = await startRedis(t)
    const [one, two] = [await join(t, server, { flavour }), await join(t, server, { flavour })]
    one.put('a', 'first', 'n1')
    one.put('b', 'second', 'n2')
    one.seat.note('n3')
    one.put('a', 'third', 'n4')
    t.equal(one.hand.ms, 20, 'soon')
    await one.hand.tick()
    t.equal(one.hand.ms, 1000)
    await two.hand.tick()
    t.same(two.member.news(), { changes: ['null > third', 'null > second'], notes: ['n1', 'n2', 'n3', 'n4'] })
    await two.hand.tick()
    await one.hand.tick()
    t.same([one.member.news(), two.member.news()], Array(2).fill({ changes: [], notes: [] }))
    two.put('a', null, 'n5')
    await two.hand.tick()
    await one.hand.tick()
    t.same(one.member.news(), { changes: ['third > null'], notes: ['n5'] })
    t.ok(two.member.ages.every((age) => age >= 0 && age < 60_000))
  })
}

test('a process that starts late hears what is in force, and what was done of late', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  one.put('a', 'first', 'n1')
  one.put('b', 'second', 'n2')
  one.put('b', null, 'n3')
  await one.hand.tick()
  const two = await join(t, server)
  t.same(two.member.news(), { changes: ['null > first'], notes: ['n1', 'n2', 'n3'] })
})

test('the last writer wins, by the order in which Redis was reached', async (t) => {
  const { one, two } = await pair(t)
  one.put('a', 'of one')
  two.put('a', 'of two')
  await two.hand.tick()
  await one.hand.tick()
  await two.hand.tick()
  t.same(one.member.changes, [], 'what was in force here stays')
  t.same(two.member.changes, ['of two > of one'])
  // What was changed here since the last exchange will be the last one: what comes before does not count.
  one.put('a', 'newer')
  await one.hand.tick()
  const ticked = two.hand.tick()
  two.put('a', 'newest')
  await ticked
  t.same(two.member.changes, ['of two > of one'])
  await two.hand.tick()
  await one.hand.tick()
  t.same(one.member.changes, ['newer > newest'])
})

test('a process that missed more than the log holds reads all that is in force', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  one.put('c', 'third')
  await one.hand.tick()
  await two.hand.tick()
  two.member.news()
  one.put('c', null)
  for (let i = 0; i < 600; i++) one.put('b', `${i}`)
  while (one.hand.ms === 20) await one.hand.tick()
  t.equal(await server.command('LLEN', fleetKeys('fleet')[1]), 2000)
  await two.hand.tick()
  t.same(two.member.changes.sort(), ['null > 599', 'third > null'])
})

test('while Redis is away the last change of each subject waits', async (t) => {
  const { server, one, two } = await pair(t)
  await server.kill()
  for (let i = 0; i < 5000; i++) one.put(`s${i % 3}`, `${i}`)
  one.seat.note('last')
  await one.hand.tick()
  t.match(one.member.failures, [/not learn what is changed by hand/])
  await server.start()
  await until('the changes to be sent', async () => {
    await one.hand.tick()
    return one.member.failures.at(-1) === null && one.hand.ms === 1000
  })
  await until('the other to hear them', async () => {
    await two.hand.tick()
    return two.member.notes.at(-1) === 'last'
  })
  t.same(two.member.changes.sort(), ['null > 4997', 'null > 4998', 'null > 4999'])
  t.ok(two.member.notes.length < 1100)
})

test('the second registration of a process shares with the second of others, and with no first', async (t) => {
  const { server, one, two } = await pair(t)
  const second = new (one.member.constructor as new () => typeof one.member)()
  const seat = two.fleet.join(second)
  one.put('a', 'of the first')
  await one.hand.tick()
  await seat.start()
  t.same([two.member.changes, second.changes], [['null > of the first'], []])
  seat.put('a', 'of the second', 'n', Number.POSITIVE_INFINITY)
  await two.hand.tick()
  await one.hand.tick()
  t.same(one.member.changes, [])
  const third = await join(t, server)
  const fourth = new (one.member.constructor as new () => typeof one.member)()
  await third.fleet.join(fourth).start()
  t.same([third.member.changes, fourth.changes], [['null > of the first'], ['null > of the second']])
})

test('what ends by itself is taken out of Redis, a minute later', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  one.put('old', 'over', 'n', Date.now() - 61_000)
  one.put('new', 'not over', 'n', Date.now() - 1000)
  await one.hand.tick()
  t.equal(await server.command('HLEN', fleetKeys('fleet')[0]), 4)
  one.put('other', 'x')
  await one.hand.tick()
  t.equal(await server.command('HLEN', fleetKeys('fleet')[0]), 4)
  const two = await join(t, server)
  t.same(two.member.changes.sort(), ['null > not over', 'null > x'])
})

test('what is in force stays, and nothing else does', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  one.fleet.free('name')
  one.put('a', 'first')
  one.seat.reports()
  await one.hand.tick()
  await one.hand.tick()
  const [state] = fleetKeys('fleet')
  t.same(await keysWithoutTtl(server), [state])
  one.put('a', null)
  await one.hand.tick()
  t.same(await keysWithoutTtl(server), [])
  one.put('a', 'again')
  await one.hand.tick()
  t.same(await keysWithoutTtl(server), [state])
  t.equal(new Set(fleetKeys('fleet').map(keySlot)).size, 1, 'one slot of a Cluster')
})

test('texts are bounded', async (t) => {
  const { one, two } = await pair(t)
  const big = 'x'.repeat(16 * 1024)
  one.seat.check(big.length)
  t.throws(() => one.seat.check(big.length + 1), { code: 'FST_FLOODGATE_OPTION', message: /at most 16384/ })
  for (let i = 0; i < 640; i++) one.put(`s${i}`, big, '')
  while (one.hand.ms === 20) await one.hand.tick()
  t.throws(() => one.seat.check(1), { message: /at most 10485760 characters in force/ })
  one.seat.note(`${big}x`)
  one.put('s0', null, 'last')
  await one.hand.tick()
  t.doesNotThrow(() => one.seat.check(1))
  await two.hand.tick()
  t.equal(two.member.changes.length, 639)
  t.equal(two.member.notes.at(-1), 'last')
})
