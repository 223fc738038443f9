import { test } from 'tap'
import { Presence } from '../../../../lib/store/redis/fleet/presence.js'
import { fleetKeys } from '../../../../lib/store/redis/fleet/script.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { join } from './support.js'

const [, , , , ASKED, REPORTS] = fleetKeys('fleet')

test('processes report while somebody asks, and else publish and compute nothing', async (t) => {
  const server = await startRedis(t)
  const all = [await join(t, server), await join(t, server), await join(t, server)]
  const [one, two, three] = all
  for (const { hand } of all) await hand.tick()
  t.same(
    all.map(({ member }) => member.reports),
    [0, 0, 0],
  )
  t.equal(await server.command('EXISTS', ASKED, REPORTS), 0)

  t.same(one.seat.reports(), [], 'nobody is known yet')
  t.equal(one.hand.ms, 20, 'it asks at once')
  for (const { hand } of all) await hand.tick()
  t.same(
    all.map(({ hand }) => hand.ms),
    [20, 20, 20],
    'and all reply at once',
  )
  for (const { hand } of all) await hand.tick()
  await one.hand.tick()
  t.same(one.seat.reports(), ['report 1', 'report 1'])
  t.same(
    [two, three].map(({ seat }) => seat.reports().length),
    [0, 0],
    'they do not ask',
  )
  for (const { hand } of [two, one]) await hand.tick()
  t.same([...one.seat.reports()].sort(), ['report 1', 'report 2'])

  two.seat.stop()
  await two.fleet.close()
  await one.hand.tick()
  t.same(one.seat.reports(), ['report 1'], 'who leaves says so')
  // As of a process that died 5 seconds ago, of one that lives, and of somebody else.
  const [seconds] = (await server.command('TIME')) as string[]
  const reports = { '0 dead': `${Number(seconds) - 6}000000 old`, '0 alive': `${seconds}000000 young` }
  await server.command('HSET', REPORTS, ...Object.entries(reports).flat(), '0 garbage', 'garbage')
  await one.hand.tick()
  t.same([...one.seat.reports()].sort(), ['report 1', 'young'])
  t.ok(Number(await server.command('PTTL', ASKED)) <= 8001)
  t.ok(Number(await server.command('PTTL', REPORTS)) <= 5001)
})

test('who asks goes on asking for 10 seconds, and then knows nobody', async (t) => {
  let now = 0
  const presence = new Presence(() => now)
  t.equal(presence.asks, false)
  t.equal(presence.ask(), true)
  t.equal(presence.ask(), false)
  const reports = new Map([['0 other', 'report']])
  presence.read({ isAsked: true, reports } as never, new Map())
  const seat = { id: '0 own', number: 0 } as never
  t.same(presence.of(seat), ['report'])
  now += 9_999_999
  t.equal(presence.asks, true)
  now += 1
  t.equal(presence.asks, false)
  presence.ask()
  t.same(presence.of(seat), [])
})
