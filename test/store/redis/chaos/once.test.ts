import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { clients, type Flavour } from '../../../fixtures/redis/clients.js'
import { startCluster } from '../../../fixtures/redis/cluster.js'
import { type Line, startProxy } from '../../../fixtures/redis/proxy.js'
import { startSentinels } from '../../../fixtures/redis/sentinel.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import { dropEach, swallow } from './support/drops.js'
import { Load } from './support/load.js'
import { openSubject, type Subject } from './support/subject.js'
import { HOURLY, unitsOf } from './support/units.js'

interface Place {
  /** Those that hold the keys. */
  servers: readonly Server[]
  /** What stands in front of them. */
  proxies: readonly Line[]
  connect: (flavour: Flavour) => ReturnType<Flavour['single']>
}

/**
 * Short as it is by default, and so long that a client has time to send once more what it was not answered.
 */
const TIMEOUTS = [100, 1000]

/**
 * Every call has a key of its own: whatever becomes of it, that key is charged at most once, and exactly once
 * if the store allowed it.
 */
async function chargesOnce(t: Test, { servers, proxies, connect }: Place): Promise<void> {
  const wanted = TIMEOUTS.flatMap((timeout) => clients.map(({ name: client }) => ({ client, timeout })))
  const subjects = await Promise.all(
    wanted.map(({ client, timeout }) => {
      const options = { client, mode: 'local', policy: HOURLY, store: { timeout, shards: 4 } } as const
      return openSubject(t, options, connect)
    }),
  )
  const loads = subjects.map(({ ask }) => new Load(ask, { keys: 'fresh', loops: 10, pause: 15 }))
  for (const load of loads) load.start()
  await sleep(200)
  const prefixes = subjects.map(({ prefix }) => prefix)
  for (let round = 0; round < 2; round++) await dropEach(proxies, prefixes)
  await swallow(proxies, 150)
  await sleep(1500)
  for (const load of loads) await load.stop()
  await sleep(300)
  const lost = loads.flatMap(({ samples }) => samples).filter(({ origin }) => origin !== 'store')
  t.ok(lost.length > 0, 'some calls are lost')
  const charged = await unitsOf(servers)
  for (const [i, subject] of subjects.entries()) {
    const name = `${wanted[i].client}, ${wanted[i].timeout} ms to answer`
    t.test(name, async (t) => compare(t, loads[i], subject, charged))
  }
}

function compare(t: Test, { samples }: Load, { storeKey }: Subject, charged: Map<string, number>): void {
  const units = samples.map(({ key }) => charged.get(storeKey(key)) ?? 0)
  const where = (is: (units: number, origin: string) => boolean) =>
    samples.filter(({ origin }, i) => is(units[i], origin)).length
  const others = where((_, origin) => origin !== 'store')
  t.comment(`${others} of ${samples.length} calls were not answered by the store`)
  t.equal(
    where((units) => units > 1),
    0,
    'no call is charged twice',
  )
  t.equal(
    where((units, origin) => origin === 'store' && units === 0),
    0,
    'what the store allowed is charged',
  )
}

test('a call is charged once at most, whatever is lost on the way', async (t) => {
  const server = await startRedis(t)
  const proxy = await startProxy(t, server.port)
  await chargesOnce(t, { servers: [server], proxies: [proxy], connect: (flavour) => flavour.single(proxy) })
})

test('a call is charged once at most in a Cluster, whatever is lost on the way', async (t) => {
  const cluster = await startCluster(t, { proxies: true })
  const proxies = cluster.masters.map(({ proxy }) => proxy as Line)
  const servers = cluster.masters.map(({ server }) => server)
  await chargesOnce(t, { servers, proxies, connect: (flavour) => flavour.cluster(cluster.targets) })
})

test('a call is charged once at most under Sentinel, whatever is lost on the way', async (t) => {
  const set = await startSentinels(t, { proxies: true })
  const [server] = set.servers
  // What is cut here is not to be taken for the death of the master.
  for (const sentinel of set.sentinels)
    await sentinel.command('SENTINEL', 'SET', set.name, 'down-after-milliseconds', 60_000)
  const connect = (flavour: Flavour) => flavour.sentinel(set.targets, set.name)
  await chargesOnce(t, { servers: [server], proxies: set.proxies.slice(0, 1), connect })
})
