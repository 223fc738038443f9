import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { startRedis } from '../../../fixtures/redis/server.js'
import { freshPrefix } from '../support.js'
import type { Told } from './support/actor.js'
import { Actors } from './support/actors.js'
import { monotonicMs } from './support/monotonic.js'

const RATE = 200
const BURST = 10
const INTERVAL = 1000 / RATE
const WAIT = 500
const POLICY = { name: 'chaos', rate: RATE, per: 'second', burst: BURST, wait: WAIT } as const

test('over four processes calls are held in their order, each as long as it must be and no longer', async (t) => {
  const server = await startRedis(t)
  const actors = new Actors(t)
  /** The server's clock, in ms ahead of ours: between these two. */
  const before = monotonicMs()
  const [seconds, micros] = (await server.command('TIME')) as string[]
  const time = Number(seconds) * 1000 + Number(micros) / 1000
  const [least, most] = [time - monotonicMs(), time - before]
  await actors.play({ port: server.port, prefix: freshPrefix(), policy: POLICY, loops: 40, works: false })
  await sleep(700)
  await actors.pause(1, 200)
  await Promise.all([actors.pause(3, 600), sleep(200).then(() => actors.kill(0))])
  await sleep(500)
  await actors.stop()
  const told = Array.from({ length: actors.count }, (_, nth) => actors.told<Told>(nth)).flat()
  t.same(
    told.filter(({ source }) => source !== 'store'),
    [],
    'the store answers all',
  )
  // `chargedAt` is when the bucket would be full: the unit is there the time of a full bucket before.
  const calls = told
    .filter(({ allowed }) => allowed)
    .map((call) => ({ ...call, due: call.chargedAt / 1000 - BURST * INTERVAL }))
    .sort((a, b) => a.due - b.due)
  const held = calls.filter(({ delay }) => delay > 0)
  t.ok(held.length > 200, `${held.length} of ${calls.length} calls are held`)
  t.ok(
    told.some(({ allowed }) => !allowed),
    'what would wait for longer is denied',
  )
  const rush = calls.filter(({ due }, i) => i > 0 && due < calls[i - 1].due + INTERVAL - 0.01)
  t.same(rush, [], 'no two have one unit')
  t.same(
    held.filter(({ delay }) => delay > WAIT),
    [],
    'none is held for longer than the policy says',
  )
  // What a process had to wait for may have been told late, but never so that it goes on too soon.
  const soon = held.filter(({ received, delay, due }) => received + delay + most < due - 0.01)
  t.same(soon, [], 'none goes on before its unit is there')
  const late = held.filter(({ sent, delay, due }) => sent + delay + least > due + 1.01)
  t.same(late, [], 'none is held for longer than it must, but for less than a millisecond')
  let latest = Number.NEGATIVE_INFINITY
  const order = [...calls].sort((a, b) => a.received - b.received)
  const bySending = [...calls].sort((a, b) => a.sent - b.sent)
  let answered = 0
  for (const call of bySending) {
    while (answered < order.length && order[answered].received < call.sent) {
      latest = Math.max(latest, order[answered].due)
      answered++
    }
    if (call.due < latest) return t.fail('who came later goes on sooner')
  }
})
