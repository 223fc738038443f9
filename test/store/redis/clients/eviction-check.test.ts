import { type Test, test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import type { AsyncStore } from '../../../../types/index.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { startCluster } from '../../../fixtures/redis/cluster.js'
import { startSentinels } from '../../../fixtures/redis/sentinel.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { emitted } from '../../../plugin/support/warnings.js'
import { clientOf, limiterOf, serve, storeOf } from '../one-server.js'

const POLICIES = {
  noeviction: false,
  'volatile-ttl': true,
  'allkeys-lru': true,
  'volatile-lru': true,
  'allkeys-lfu': true,
  'volatile-lfu': true,
  'allkeys-random': true,
  'volatile-random': true,
} as const
const FORGETFUL = { config: { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' } } as const

/** What a store warns of at its first use, after which its server has answered the question. */
async function warningsOf(t: Test, store: AsyncStore, client: object): Promise<string[]> {
  const list: string[] = []
  t.teardown(store.onWarning?.((code, policy) => list.push(`${code} ${policy}`)) as () => void)
  const limiter = limiterOf(store, { rate: 100_000, burst: 100_000 })
  for (let i = 0; i < 3; i++) await limiter.take('key')
  await settled(client)
  return list
}

/** Until every answer that is due to the client, and what hangs on it, is there. */
async function settled(client: object): Promise<void> {
  await (client as { info?(section: string): Promise<unknown> }).info?.('memory').catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 20))
}

for (const [policy, warns] of Object.entries(POLICIES)) {
  test(`a server with a maxmemory and ${policy} ${warns ? 'is warned of, once' : 'is no reason to warn'}`, async (t) => {
    const { server, client } = await serve(t, { config: { 'maxmemory-policy': policy } })
    t.same(await warningsOf(t, storeOf(client), client), [], 'without a maxmemory nothing is forgotten')
    await server.command('CONFIG', 'SET', 'maxmemory', '100mb')
    const expected = warns ? [`FST_FLOODGATE_W008 ${policy}`] : []
    t.same(await warningsOf(t, storeOf(client), client), expected)
  })
}

test('every client can ask, one server and each master of a Cluster', async (t) => {
  const server = await startRedis(t, FORGETFUL)
  const cluster = await startCluster(t)
  const [, second] = cluster.masters
  await second.server.command('CONFIG', 'SET', 'maxmemory', '100mb')
  await second.server.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru')
  for (const flavour of clients) {
    const one = await flavour.single(server)
    t.same(
      await warningsOf(t, storeOf(one.client as RedisClient), one.client),
      ['FST_FLOODGATE_W008 allkeys-lru'],
      flavour.name,
    )
    await one.close()
    const many = await flavour.cluster(cluster.targets)
    const list = await warningsOf(t, storeOf(many.client as RedisClient, { shards: 8 }), {})
    await until('the answer of the Cluster', () => list.length > 0)
    t.same(list, ['FST_FLOODGATE_W008 volatile-lru'], `${flavour.name}, Cluster`)
    await many.close()
  }
})

test('through a Sentinel the master is asked', async (t) => {
  const set = await startSentinels(t, { sentinels: 1 })
  const master = await set.master()
  await master.command('CONFIG', 'SET', 'maxmemory', '100mb')
  await master.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
  for (const flavour of clients) {
    const { client, close } = await flavour.sentinel(set.targets, set.name)
    const list = await warningsOf(t, storeOf(client as RedisClient), {})
    await until('the answer of the master', () => list.length > 0)
    t.same(list, ['FST_FLOODGATE_W008 allkeys-random'], flavour.name)
    await close()
  }
})

test('nothing is asked before the first use, and never twice', async (t) => {
  const { client } = await serve(t, FORGETFUL)
  let asked = 0
  const counting = Object.create(client, {
    info: {
      value: (section: string) => {
        asked++
        return (client as unknown as { info(section: string): Promise<unknown> }).info(section)
      },
    },
  })
  const store = storeOf(counting)
  const list = emitted(t)
  const limiter = limiterOf(store, { rate: 1 })
  await settled(client)
  t.equal(asked, 0)
  for (let i = 0; i < 5; i++) await limiter.take(`key ${i}`)
  await store.close()
  await limiter.take('key')
  await until('the warning', () => list.length > 0)
  t.equal(asked, 1)
  t.match(list, [
    {
      type: 'FloodgateWarning',
      code: 'FST_FLOODGATE_W008',
      message: /allkeys-lru.*to noeviction.*#fst_floodgate_w008$/,
    },
  ])
  t.equal(list.length, 1, 'where nobody listens the process is warned')
})

test('who listens no more is not told, and the process is', async (t) => {
  const { client } = await serve(t, FORGETFUL)
  const store = storeOf(client)
  const list = emitted(t)
  store.onWarning?.(() => t.fail('told'))()
  await limiterOf(store, {}).take('key')
  await until('the warning', () => list.length > 0)
  t.equal(list.length, 1)
})

test('a server that does not tell, and a client that cannot ask, are no reason to warn or to fail', async (t) => {
  const list = emitted(t)
  const ask = async (server: Server, client: RedisClient, what: string) => {
    t.match(await limiterOf(storeOf(client), {}).take('key'), { allowed: true, source: undefined }, what)
    await settled(client)
    t.ok(server.running)
  }
  const server = await startRedis(t, FORGETFUL)
  const user = ['ACL', 'SETUSER', 'limited', 'on', '>pass', '~*', '+@all', '-info']
  await server.command(...user)
  const options = { username: 'limited', password: 'pass', enableReadyCheck: false }
  await ask(server, await clientOf(t, server, { options }), 'no permission')
  const mute = Object.create(await clientOf(t, server), { info: { value: undefined } })
  await ask(server, mute, 'no method')
  const terse = Object.create(await clientOf(t, server), { info: { value: async () => 'QUEUED' } })
  await ask(server, terse, 'no answer')
  t.same(list, [])
})

test('with noeviction clients that are denied stay denied while strangers fill the memory', async (t) => {
  const { server, client } = await serve(t, { config: { 'maxmemory-policy': 'noeviction' } })
  const store = storeOf(client, { denyCache: 0, onStoreFailure: 'allow' })
  t.teardown(store.onStateChange(() => {}))
  const limiter = limiterOf(store, { algorithm: 'sliding-window', rate: 2, per: '15 minutes' })
  for (let i = 0; i < 2; i++) await limiter.take('denied')
  await server.command(
    'CONFIG',
    'SET',
    'maxmemory',
    Number((await server.info('memory')).used_memory) + 500_000,
  )
  let failed = 0
  for (let n = 0; n < 10_000 && failed === 0; n += 500) {
    const decisions = await Promise.all(
      Array.from({ length: 500 }, (_, i) => limiter.take(`stranger ${n + i}`)),
    )
    failed = decisions.filter(({ source }) => source === 'none').length
  }
  t.ok(failed > 0, 'there is room for no more')
  const decision = await until('the store to be asked again', async () => {
    const denied = await limiter.take('denied')
    return denied.source === undefined && denied
  })
  t.match(decision, { allowed: false })
})
