import { test } from 'tap'
import { fleetKeys } from '../../../../lib/store/redis/fleet/script.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import { join, pair } from './support.js'

const [STATE, LOG] = fleetKeys('fleet')

/** Keeps the state as it is, to be put back later, as a replica would that takes over too early. */
async function keep(server: Server): Promise<() => Promise<void>> {
  for (const key of [STATE, LOG]) await server.command('COPY', key, `kept:${key}`, 'REPLACE')
  return async () => {
    for (const key of [STATE, LOG]) await server.command('RENAME', `kept:${key}`, key)
  }
}

test('a server that lost everything gets back what is in force, from the process that asks first', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  one.put('over', 'ended', 'n', Date.now() - 120_000)
  await one.hand.tick()
  await two.hand.tick()
  await server.command('FLUSHALL')
  await two.hand.tick()
  t.equal(two.hand.ms, 20, 'it asks again soon')
  t.equal(await server.command('HLEN', STATE), 3)
  t.same([one.member.losses, two.member.losses], [0, 1])
  one.member.news()
  two.member.news()
  for (const { hand } of [one, two]) await hand.tick()
  t.same([one.member.news(), two.member.news()], Array(2).fill({ changes: [], notes: [] }))
  one.put('b', 'second')
  await one.hand.tick()
  await two.hand.tick()
  t.same(two.member.news(), { changes: ['null > second'], notes: ['note'] })
  const three = await join(t, server)
  t.same(three.member.changes.sort(), ['null > first', 'null > second'])
})

test('what was changed while it was empty is written on top of what it gets back', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  one.put('a', 'first')
  await one.hand.tick()
  await server.command('FLUSHALL')
  one.put('b', 'second')
  await one.hand.tick()
  t.equal(await server.command('HLEN', STATE), 3, 'not before the server has what it lost')
  await one.hand.tick()
  t.equal(await server.command('HLEN', STATE), 4)
  t.same(one.member.changes, [])
})

test('where nothing is in force there is nothing to give back', async (t) => {
  const server = await startRedis(t)
  const one = await join(t, server)
  one.seat.note('a reset')
  await one.hand.tick()
  await server.command('FLUSHALL')
  await one.hand.tick()
  await one.hand.tick()
  t.equal(await server.command('EXISTS', STATE), 0)
})

test('a replica that took over too early gets what it missed, from a process that knows it', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  one.put('b', 'second')
  await one.hand.tick()
  const goBack = await keep(server)
  one.put('a', null)
  await one.hand.tick()
  await two.hand.tick()
  two.member.news()
  await goBack()
  const three = await join(t, server)
  t.same(three.member.changes.sort(), ['null > first', 'null > second'])
  await one.hand.tick()
  await three.hand.tick()
  t.same(three.member.changes.slice(2), ['first > null'])
  await two.hand.tick()
  t.same(two.member.changes, [])
})

test('a change that was lost does not hide the one that came in its place', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  await one.hand.tick()
  await two.hand.tick()
  const goBack = await keep(server)
  one.put('a', 'lost')
  await one.hand.tick()
  await goBack()
  two.put('a', 'in its place')
  await two.hand.tick()
  await one.hand.tick()
  t.same(one.member.changes, ['lost > in its place'])
})

test('a change that a new process makes in an empty server goes on top of what others know', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  one.put('b', 'second')
  await one.hand.tick()
  await two.hand.tick()
  two.member.news()
  await server.command('FLUSHALL')
  const three = await join(t, server)
  three.put('a', 'third')
  await three.hand.tick()
  for (const { hand } of [one, one, two, three]) await hand.tick()
  t.same(one.member.changes, ['first > third'])
  t.same(two.member.changes, ['first > third'])
  t.same(three.member.changes, ['null > second'])
  for (const { hand } of [one, two, three]) await hand.tick()
  t.same(
    [one, two, three].map(({ hand }) => hand.ms),
    [1000, 1000, 1000],
    'and then there is peace',
  )
})

test('of two processes that give back, the second finds that it is done', async (t) => {
  const { server, one, two } = await pair(t)
  one.put('a', 'first')
  await one.hand.tick()
  await two.hand.tick()
  await server.command('FLUSHALL')
  // Both learn it before either gives anything back.
  await Promise.all([one.hand.tick(), two.hand.tick()])
  for (const { hand } of [one, two]) await hand.tick()
  t.equal((await server.command('HGET', STATE, '#stamp')) !== null, true)
  t.same([one.member.changes, two.member.changes.slice(1)], [[], []])
})
