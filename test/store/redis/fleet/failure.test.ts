import { test } from 'tap'
import { keysOf } from '../../../fixtures/redis/monitor.js'
import { startProxy } from '../../../fixtures/redis/proxy.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { join, pair } from './support.js'

test('a failure is reported once: at once if a change waits, else after ten in a row', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  await server.command('ACL', 'SETUSER', 'default', '-hmget')
  for (let i = 0; i < 8; i++) {
    await one.hand.tick()
    t.equal(one.hand.ms, 250)
  }
  await one.hand.tick()
  t.equal(one.hand.ms, 1000)
  t.same(one.member.failures, [])
  for (let i = 0; i < 3; i++) await one.hand.tick()
  t.match(one.member.failures, [/^this process and the others do not learn .*(?:NOPERM|can't run)/])
  await server.command('ACL', 'SETUSER', 'default', '+hmget')
  await one.hand.tick()
  t.equal(one.member.failures[1], null)
  await server.command('ACL', 'SETUSER', 'default', '-rpush')
  await one.hand.tick()
  one.put('a', 'first')
  await one.hand.tick()
  t.match(one.member.failures.slice(2), [/NOPERM|can't run/])
  await server.command('ACL', 'SETUSER', 'default', '+rpush')
  const two = await join(t, server)
  await one.hand.tick()
  await two.hand.tick()
  t.same(two.member.changes, ['null > first'])
})

test('a reply that is none of the script is a failure', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  const client = one.client as unknown as {
    multi(options: object): Promise<unknown>
    discard(): Promise<unknown>
  }
  await client.multi({ pipeline: false })
  for (let i = 0; i < 10; i++) await one.hand.tick()
  t.match(one.member.failures, [/no reply of the script$/])
  await client.discard()
  await one.hand.tick()
  t.equal(one.member.failures[1], null)
})

test('an app starts where Redis hangs, and knows what is in force when it answers', async (t) => {
  const server = await startRedis(t)
  const other = await join(t, server)
  other.put('a', 'first')
  await other.hand.tick()
  const line = await startProxy(t, server.port)
  const one = await join(t, line, { start: false })
  line.blackhole()
  await one.seat.start()
  t.same(one.member.changes, [])
  line.open()
  await until('it to know', () => one.member.changes.length > 0)
  t.same(one.member.changes, ['null > first'])
})

test('what waits is sent before an app is closed, and it says so where it cannot be', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  one.seat.stop()
  await one.fleet.close()
  t.equal(one.hand.isArmed, false)
  await two.hand.tick()
  t.same(two.member.changes, ['null > first'])
  await one.fleet.close()
  await server.command('ACL', 'SETUSER', 'default', '-eval')
  two.put('a', 'second')
  two.seat.stop()
  await two.fleet.close()
  t.match(two.member.failures, [/NOPERM|can't run/])
  t.equal(two.hand.isArmed, false)
})

test('while another registration of a store is open, the store listens on', async (t) => {
  const { one, two } = await pair(t)
  await two.fleet.close()
  t.equal(two.hand.isArmed, true)
  one.put('a', 'first')
  await one.hand.tick()
  await two.hand.tick()
  t.same(two.member.changes, ['null > first'])
})

test('with a secret nobody reads a text, and a process with another one ends nothing', async (t) => {
  const server = await startRedis(t)
  const secret = 'sixteen bytes or more'
  const [one, two] = [await join(t, server, { secret }), await join(t, server, { secret })]
  one.put('subject of ana', 'text of ana', 'note of ana')
  one.seat.reports()
  for (const { hand } of [one, two, two, one]) await hand.tick()
  t.same(two.member.news(), { changes: ['null > text of ana'], notes: ['note of ana'] })
  t.same(one.seat.reports(), ['report 1'])
  for (const key of (await keysOf(server)).keys()) {
    const dump = String(await server.bytes('DUMP', key))
    t.notMatch(dump, /ana|report/, key)
  }
  const stranger = await join(t, server, { secret: 'another secret of 16 bytes' })
  t.same(stranger.member.news(), { changes: [], notes: [] })
  stranger.seat.reports()
  await stranger.hand.tick()
  await stranger.hand.tick()
  t.same(stranger.seat.reports(), [])
  stranger.put('subject of ana', 'of a stranger')
  await stranger.hand.tick()
  await one.hand.tick()
  t.same(one.member.changes, [], 'its subjects have other names')
})
