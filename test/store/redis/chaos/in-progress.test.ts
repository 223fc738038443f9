import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createLimiter } from '../../../../lib/index.js'
import type { RedisClient } from '../../../../lib/redis.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { keysWithoutTtl } from '../../../fixtures/redis/monitor.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { chargesOf, storeOf } from '../one-server.js'
import { freshPrefix } from '../support.js'
import type { Work } from './support/actor.js'
import { Actors } from './support/actors.js'
import { monotonicMs } from './support/monotonic.js'

const LIMIT = 5
const HOLD = 1000

interface Span {
  from: number
  till: number
}

/**
 * When the works of a process surely had a unit in the store: from the reply on, until they gave it back,
 * were killed, or had held it for as long as they may.
 */
function spansOf(works: readonly Work[], killedAt: number): Span[] {
  const last = new Map<string, Work>()
  for (const work of works) last.set(`${work.id} ${work.from}`, work)
  return [...last.values()]
    .map(({ sent, from, till = killedAt }) => ({ from, till: Math.min(till, sent + HOLD) }))
    .filter(({ from, till }) => till > from)
}

/** The most spans that overlap. */
function mostAtOnce(spans: readonly Span[]): number {
  const changes = spans.flatMap(({ from, till }) => [
    { at: from, by: 1 },
    { at: till, by: -1 },
  ])
  let [now, most] = [0, 0]
  for (const { by } of changes.sort((a, b) => a.at - b.at || a.by - b.by)) {
    now += by
    most = Math.max(most, now)
  }
  return most
}

async function set(t: Test, hold: number) {
  const policy = { name: 'chaos', algorithm: 'concurrency', limit: LIMIT, hold } as const
  const server = await startRedis(t)
  const { client, close } = await clients[0].single(server)
  t.teardown(close)
  const prefix = freshPrefix()
  const store = storeOf(client as RedisClient, { prefix })
  const limiter = createLimiter(policy, { store })
  const left = async () => {
    const [charge] = chargesOf(limiter, 'hot', 0)
    await store.peek([charge])
    return charge.remaining
  }
  const actors = new Actors(t)
  await actors.play({ port: server.port, prefix, policy, loops: 4, works: true })
  return { server, actors, left }
}

test('four processes that are stopped and killed never have more in progress than the limit', async (t) => {
  const { server, actors, left } = await set(t, HOLD)
  const killedAt = Array.from({ length: actors.count }, () => Number.POSITIVE_INFINITY)
  const kill = async (...those: number[]) => {
    await actors.kill(...those)
    for (const nth of those) killedAt[nth] = monotonicMs()
  }
  await sleep(500)
  await actors.pause(1, 300)
  // Longer than it may hold them: what it gives back afterwards is nobody's any more.
  await Promise.all([actors.pause(2, 2 * HOLD), sleep(HOLD).then(() => kill(0))])
  await sleep(500)
  await Promise.all([actors.pause(1, 1.5 * HOLD), actors.pause(3, HOLD / 2)])
  await sleep(HOLD)
  await kill(1, 2, 3)
  const atEnd = await left()
  const spans = killedAt.flatMap((at, nth) => spansOf(actors.told<Work>(nth), at))
  t.ok(spans.length > 100, `${spans.length} works`)
  t.equal(mostAtOnce(spans), LIMIT, 'all units are used, and never one more')
  t.ok(atEnd < LIMIT, 'the killed processes had units')
  await sleep(HOLD)
  t.equal(await left(), LIMIT, 'which are back after the hold')
  t.same(await keysWithoutTtl(server), [])
})

test('when all work has ended in order no unit is lost, and renewals lost none', async (t) => {
  const { actors, left } = await set(t, 10 * HOLD)
  await sleep(1500)
  await actors.stop()
  t.equal(await left(), LIMIT, 'at once')
  const works = Array.from({ length: actors.count }, (_, nth) => actors.told<Work>(nth)).flat()
  t.same(
    works.filter(({ id }) => id.endsWith('lost')),
    [],
  )
  t.equal(mostAtOnce(spansOf(works, Number.POSITIVE_INFINITY)), LIMIT)
})
