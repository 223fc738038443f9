import { type Test, t, test } from 'tap'
import { createLimiter } from '../../../../lib/index.js'
import type { RedisClient } from '../../../../lib/redis.js'
import { newCharge } from '../../../../lib/store/index.js'
import type { RedisStoreOptions } from '../../../../lib/store/redis/options.js'
import {
  type Deciding,
  decideAcrossShards,
  type KeyedCharges,
} from '../../../../lib/store/redis/transport/cross-shard.js'
import type { AsyncLimiter, AsyncStore, Bucket, Charge, PolicyOptions } from '../../../../types/index.js'
import { type Connected, clients } from '../../../fixtures/redis/clients.js'
import { type Cluster, startCluster } from '../../../fixtures/redis/cluster.js'
import { keySlot } from '../../../fixtures/redis/key-slot.js'
import { storeOf } from '../one-server.js'
import { freshPrefix } from '../support.js'

// They wait for most of their time, each with servers of its own.
t.jobs = 3

const HOURLY = { rate: 1, per: 'hour', burst: 5 } as const

interface Setting {
  cluster: Cluster
  connected: Connected
}

async function set(t: Test): Promise<Setting> {
  const cluster = await startCluster(t)
  const connected = await clients[0].cluster(cluster.targets)
  t.teardown(connected.close)
  return { cluster, connected }
}

/** Two limiters on a store of many shards, and for each a key, on different masters. */
function pair(
  { cluster, connected }: Setting,
  options: Partial<RedisStoreOptions> = {},
  policy: PolicyOptions = {},
) {
  const store = storeOf(connected.client as RedisClient, { shards: 1000, ...options })
  const [user, address] = ['user', 'ip'].map((name) =>
    createLimiter({ name, ...HOURLY, ...policy }, { store }),
  )
  const on = (limiter: AsyncLimiter, master: number) => {
    for (let i = 0; ; i++) {
      const node = cluster.masterOf(limiter.storeKey(`client ${i}`))
      if (node === cluster.masters[master]) return `client ${i}`
    }
  }
  return { store, user, address, keys: [on(user, 0), on(address, 1)] as const }
}

function chargeOf(limiter: AsyncLimiter, key: string, cost = 1): Charge {
  const [bucket] = (limiter as unknown as { buckets: Bucket[] }).buckets
  return { ...newCharge(bucket), key, cost }
}

async function left(store: AsyncStore, ...charges: Charge[]): Promise<number[]> {
  return Promise.all(
    charges.map(async (charge) => {
      const look = { ...charge, cost: 0 }
      await store.peek([look])
      return look.remaining
    }),
  )
}

test('a request about keys on different nodes is allowed if all allow, and each is charged', async (t) => {
  const { store, user, address, keys } = pair(await set(t))
  t.not(keySlot(user.storeKey(keys[0])), keySlot(address.storeKey(keys[1])))
  const charges = [chargeOf(user, keys[0], 2), chargeOf(address, keys[1], 3)]
  t.equal(await store.take(charges), true)
  t.match(charges, [
    { allowed: true, remaining: 3, source: 'store' },
    { allowed: true, remaining: 2, source: 'store' },
  ])
  t.same(await left(store, ...charges), [3, 2])
  t.equal(await store.peek(charges), false, 'a second time one would deny')
  t.match(charges, [{ allowed: true }, { allowed: false, remaining: 2 }])
  t.equal(await store.take(charges), false)
  t.same(await left(store, ...charges), [3, 2], 'and a denial charges none')
  await store.refund(charges)
  t.same(await left(store, ...charges), [5, 5])
  await store.take(charges)
  await store.reset(charges)
  t.same(await left(store, ...charges), [5, 5])
})

test('of many that ask at once about keys on different nodes no more are admitted than each node allows', async (t) => {
  const { store, user, address, keys } = pair(await set(t), { denyCache: 0 })
  const requests = Array.from({ length: 40 }, () => [chargeOf(user, keys[0]), chargeOf(address, keys[1], 2)])
  const answers = await Promise.all(requests.map((charges) => store.take(charges)))
  const admitted = answers.filter(Boolean).length
  t.ok(admitted <= 2, `${admitted} admitted`)
  t.same(await left(store, chargeOf(user, keys[0]), chargeOf(address, keys[1])), [
    5 - admitted,
    5 - 2 * admitted,
  ])
  for (const [i, charges] of requests.entries()) {
    if (!answers[i])
      t.ok(
        charges.some((charge) => !charge.allowed),
        'a denial names who denied',
      )
  }
})

test('requests of one client stay in one slot, whatever the number of policies and shards', async (t) => {
  const { connected } = await set(t)
  const store = storeOf(connected.client as RedisClient, { shards: 16_384 })
  const policies = [{ name: 'a' }, { name: 'b', algorithm: 'sliding-window' }] as const
  const limiter = createLimiter({ name: 'both', policies }, { store })
  for (let i = 0; i < 20; i++) {
    const key = `client ${i}`
    t.equal(keySlot(limiter.storeKey(key, 'a')), keySlot(limiter.storeKey(key, 'b')))
    t.match(await limiter.take(key), { allowed: true, source: undefined })
  }
})

/** Shards that answer as they are told. */
function shards(answers: Record<string, (boolean | Error)[]>) {
  const log: string[] = []
  return {
    log,
    async decide(verb: Deciding, { keys: [{ name }] }: KeyedCharges): Promise<boolean> {
      log.push(`${verb} ${name}`)
      const answer = answers[`${verb} ${name}`]?.shift() ?? true
      if (answer instanceof Error) throw answer
      return answer
    },
    async refund({ keys: [{ name }] }: KeyedCharges): Promise<void> {
      log.push(`refund ${name}`)
    },
    async onDenied(): Promise<void> {
      log.push('block')
    },
  }
}

const keys = [
  { name: 'a', shard: 0 },
  { name: 'b', shard: 1 },
]
const asked = { charges: [{}, {}], keys } as unknown as KeyedCharges

test('where another process was faster, what was charged goes back and is read again', async (t) => {
  const told = shards({ 'take b': [false] })
  t.equal(await decideAcrossShards('take', asked, told), false)
  t.same(told.log, ['peek a', 'peek b', 'take a', 'take b', 'refund a', 'peek a', 'block'])
})

test('where a node fails after another has charged, what was charged goes back', async (t) => {
  const told = shards({ 'take a': [new Error('lost')] })
  await t.rejects(decideAcrossShards('take', asked, told), { message: 'lost' })
  t.same(told.log, ['peek a', 'peek b', 'take a', 'take b', 'refund b'])
})

test('where one denies none is charged, and a peek only looks', async (t) => {
  const told = shards({ 'peek b': [false, false, true] })
  t.equal(await decideAcrossShards('take', asked, told), false)
  t.equal(await decideAcrossShards('peek', asked, told), false)
  t.equal(await decideAcrossShards('peek', asked, told), true)
  t.notOk(told.log.some((line) => line.startsWith('take')))
  t.equal(told.log.filter((line) => line === 'block').length, 1, 'only the take blocks')
})

test('a denial blocks the keys that deny, each on its node, and no others', async (t) => {
  const setting = await set(t)
  const { user, address, keys, store } = pair(setting, {}, { block: { for: '1 hour', factor: 2 } })
  await store.take([chargeOf(user, keys[0], 4)])
  const charges = [chargeOf(user, keys[0], 2), chargeOf(address, keys[1])]
  t.equal(await store.peek(charges), false)
  t.match(charges, [{ blocked: false }, { allowed: true }])
  t.equal(await store.take(charges), false)
  t.match(charges, [
    { blocked: true, remaining: 0, retryAfter: 3_600_000 },
    { allowed: true, remaining: 5 },
  ])
  const both = [chargeOf(user, keys[0]), chargeOf(address, keys[1], 5)]
  t.equal(await store.take(both), false)
  t.match(both, [{ blocked: true }, { allowed: true, remaining: 5 }], 'and no refund lifts it')
  await store.take([chargeOf(address, keys[1], 5)])
  t.equal(await store.take(both), false)
  t.match(both, [{ blocked: true }, { blocked: true }])
  t.match(await user.take(keys[0]), { blocked: true })
  t.match(await address.take(keys[1]), { blocked: true })
  await store.reset(both)
  t.equal(await store.take(both), true)
})

test('while a node does not answer, requests that need it are decided here', async (t) => {
  const setting = await set(t)
  const { store, user, address, keys } = pair(setting, { timeout: 100, prefix: freshPrefix() })
  t.teardown(store.onStateChange(() => {}))
  await store.take([chargeOf(user, keys[0]), chargeOf(address, keys[1])])
  setting.cluster.masters[1].server.pause()
  t.teardown(() => setting.cluster.masters[1].server.resume())
  const charges = [chargeOf(user, keys[0], 2), chargeOf(address, keys[1], 2)]
  t.equal(await store.take(charges), true)
  t.match(charges, [{ source: 'local' }, { source: 'local' }])
})
