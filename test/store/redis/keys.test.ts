import { createHash } from 'node:crypto'
import { test } from 'tap'
import { createLimiter } from '../../../lib/index.js'
import { compilePolicy } from '../../../lib/policy/index.js'
import type { RedisClient } from '../../../lib/redis.js'
import type { RedisBucket } from '../../../lib/store/redis/buckets.js'
import type { AsyncStore, PolicyOptions } from '../../../types/index.js'
import { PLAIN_POLICY } from '../../fixtures/plain-policy.js'
import { clients } from '../../fixtures/redis/clients.js'
import { startCluster } from '../../fixtures/redis/cluster.js'
import { keySlot } from '../../fixtures/redis/key-slot.js'
import { keysOf } from '../../fixtures/redis/monitor.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { limiterOf, serve, storeOf } from './one-server.js'

const WINDOW = { algorithm: 'sliding-window', rate: 5 } as const

test('a key is named by prefix, hash tag, law, limiter, policy and a digest of 132 bits', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { prefix: 'shop:v1' })
  const limiter = createLimiter(
    { name: 'login', policies: [{ name: 'login' }, { name: 'slow', ...WINDOW }] },
    { store },
  )
  await limiter.take('ann')
  const digest = createHash('sha256').update('ann').digest('base64url').slice(0, 22)
  t.equal(limiter.storeKey('ann'), `shop:v1:{0}:b10-600:login:${digest}`)
  t.equal(limiter.storeKey('ann', 'slow'), `shop:v1:{0}:w60000:login/slow:${digest}`)
  t.same([...(await keysOf(server)).keys()].sort(), [
    limiter.storeKey('ann'),
    limiter.storeKey('ann', 'slow'),
  ])
})

test('keys that end alike, or are long, are told apart, whichever was asked for last', async (t) => {
  const { client } = await serve(t)
  const store = storeOf(client)
  const limiters = [limiterOf(store, {}), limiterOf(store, WINDOW)]
  const ends = ['same end', `${'long '.repeat(60)}same end`]
  const keys = ends.flatMap((end) => Array.from({ length: 30 }, (_, i) => `${10 + i} ${end}`))
  const once = limiters.map((limiter) => keys.map((key) => limiter.storeKey(key)))
  const again = limiters.map((limiter) => keys.map((key) => limiter.storeKey(key)).reverse())
  t.equal(new Set(once.flat()).size, limiters.length * keys.length)
  t.same(
    again.map((names) => names.toReversed()),
    once,
  )
})

test('names that could be taken for each other, or for the rest of a name, are told apart', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client)
  const limiters = [
    createLimiter({ name: 'a', policies: [{ name: 'b' }] }, { store }),
    createLimiter({ name: 'a/b' }, { store }),
    createLimiter({ name: 'a%2Fb' }, { store }),
    createLimiter({ name: 'a', policies: [{ name: 'b', ...WINDOW }] }, { store }),
    createLimiter({ name: 'a' }, { store }),
    createLimiter({ name: 'a' }, { store }),
    createLimiter({ name: 'a#2' }, { store }),
    createLimiter({ name: 'a:b' }, { store }),
    createLimiter({ name: '{a}' }, { store }),
    createLimiter({ name: '}{' }, { store }),
    createLimiter({ name: 'b:a' }, { store }),
    createLimiter({ name: 'a b' }, { store }),
  ]
  for (const limiter of limiters) await limiter.take('key')
  const names = limiters.map((limiter) => limiter.storeKey('key'))
  t.equal(new Set(names).size, limiters.length)
  t.same([...(await keysOf(server)).keys()].sort(), names.toSorted(), 'and these are the keys that exist')
  for (const name of names) {
    t.match(name, /^[\w\-.:/%#{}]+$/, 'nothing that a shell or a client would have to quote')
    t.equal(keySlot(name), keySlot('{0}'), 'whatever a limiter is called, its keys have the one hash tag')
  }
})

test('the second limiter of a name has keys of its own, and the same ones in another process', async (t) => {
  const { client } = await serve(t)
  const processes = [1, 2].map(() => {
    const store = storeOf(client, { prefix: 'same' })
    return [1, 2].map(() => createLimiter({ name: 'twin', rate: 5, burst: 5 }, { store }))
  })
  await processes[0][0].take('key', { cost: 2 })
  await processes[0][1].take('key', { cost: 3 })
  t.equal((await processes[1][0].peek('key')).remaining, 3)
  t.equal((await processes[1][1].peek('key')).remaining, 2)
  t.match(processes[1][1].storeKey('key'), /:b5-12000:twin#2:/)
})

test('a law that is opened in the space of another has both in its names, and the rate of a window', async (t) => {
  const { client } = await serve(t)
  const store = storeOf(client, { prefix: 'shop' })
  const stem = (policy: PolicyOptions, space: string | RedisBucket) => {
    const bucket = store.open(compilePolicy(policy, 'search'), space as string) as RedisBucket
    return { bucket, name: store.storeKey(bucket, 'ann').split(':').slice(2, -1).join(':') }
  }
  const { bucket: first } = stem({}, 'search')
  const { bucket: second } = stem({}, 'search')
  const { bucket: window } = stem(WINDOW, 'search')
  for (const [policy, space, name] of [
    [{}, first, 'b10-600:search'],
    [{ name: 'other', rate: 200, per: '2 minutes', burst: 10 }, first, 'b10-600:search'],
    [{ rate: 200, burst: 20 }, first, 'b20-300@b10-600:search'],
    [{ rate: 200, burst: 20 }, second, 'b20-300@b10-600:search#2'],
    [WINDOW, first, 'w60000/5@b10-600:search'],
    [WINDOW, window, 'w60000:search'],
    [{ ...WINDOW, rate: 6 }, window, 'w60000/6@w60000:search'],
    [{ ...WINDOW, per: 1 }, window, 'w1/5@w60000:search'],
    [{}, window, 'b10-600@w60000:search'],
  ] as const) {
    const opened = stem(policy, space)
    t.equal(opened.name, name)
    t.equal(stem(policy, opened.bucket).name, name, 'the space of either is one space')
  }
})

test('stores of different prefixes share nothing', async (t) => {
  const { client } = await serve(t)
  const [one, other] = ['a', 'a:b'].map((prefix) => limiterOf(storeOf(client, { prefix }), { rate: 1 }))
  await one.take('key')
  t.match(await other.take('key'), { allowed: true })
})

test('no key of a client is in Redis in clear text', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { name: 'bucket' }, { name: 'window', ...WINDOW })
  const secrets = ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', '203.0.113.77', 'ann@example.com', 'x'.repeat(10_000)]
  for (const secret of secrets) await limiter.take(secret)
  const keys = [...(await keysOf(server)).keys()]
  t.equal(keys.length, 8)
  for (const key of keys) {
    const stored = `${key} ${await server.bytes('GET', key)}`
    for (const secret of secrets) t.notOk(stored.includes(secret.slice(0, 32)))
    t.ok(key.length < 100, 'a long key makes no long name')
  }
})

test('lone surrogates, which UTF-8 cannot tell apart, are told apart', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { rate: 1, per: 'day' })
  const keys = ['\ud800', '\udc00', '\ufffd', '\ud800\ud800', '\udc00\ud800', '\ud800\udc00', '\u{10000}x']
  for (const key of keys) t.match(await limiter.take(key), { allowed: true }, escape(key))
  t.equal(new Set(keys.map((key) => limiter.storeKey(key))).size, keys.length)
})

const PREFIX = { ioredis: { keyPrefix: 'mine:' }, 'node-redis': { keyPrefix: 'mine:' } } as const

for (const flavour of clients.filter(({ name }) => name !== 'node-redis 5')) {
  test(`storeKey() is the key that exists, with the client's own prefix: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const { client, close } = await flavour.single(server, { options: PREFIX[flavour.kind] })
    t.teardown(close)
    const limiter = limiterOf(storeOf(client as RedisClient), { name: 'b' }, { name: 'w', ...WINDOW })
    await limiter.take('key')
    t.same([...(await keysOf(server)).keys()].sort(), [
      limiter.storeKey('key', 'b'),
      limiter.storeKey('key', 'w'),
    ])
    t.match(limiter.storeKey('key'), /^mine:test-/)
  })
}

test('and so it is in Cluster, and keys spread over as many hash tags as there are shards', async (t) => {
  const cluster = await startCluster(t)
  const servers = cluster.masters.map(({ server }) => server)
  for (const flavour of clients) {
    const options =
      flavour.kind === 'ioredis'
        ? { keyPrefix: 'mine:' }
        : flavour.name === 'node-redis 6'
          ? { keyPrefix: 'mine:' }
          : {}
    const { client, close } = await flavour.cluster(cluster.targets, { options })
    const limiter = limiterOf(
      storeOf(client as RedisClient, { shards: 16 }),
      { name: 'b' },
      { name: 'w', ...WINDOW },
    )
    const keys = Array.from({ length: 50 }, (_, i) => `client ${i}`)
    await Promise.all(keys.map((key) => limiter.take(key)))
    const expected = keys.flatMap((key) => ['b', 'w'].map((policy) => limiter.storeKey(key, policy)))
    t.same([...(await keysOf(...servers)).keys()].sort(), expected.sort(), flavour.name)
    const tags = new Set(expected.map((name) => /\{(\d+)\}/.exec(name)?.[1]))
    t.ok(tags.size > 8 && tags.size <= 16, flavour.name)
    await close()
    for (const server of servers) await server.command('FLUSHALL')
  }
})

test('storeKey() of a key or policy that cannot be is refused', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { name: 'bucket' }, { name: 'window', ...WINDOW })
  t.throws(() => limiter.storeKey(''), { code: 'FST_FLOODGATE_KEY' })
  t.throws(() => limiter.storeKey(5 as never), { code: 'FST_FLOODGATE_KEY' })
  t.throws(() => limiter.storeKey('key', 'bukcet'), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'policy'.*'bukcet'.*did you mean 'bucket'.*allowed: bucket, window/,
  })
})

test('a policy that no limiter has compiled is refused', async (t) => {
  const { client } = await serve(t)
  const store: AsyncStore = storeOf(client)
  t.throws(() => store.open(PLAIN_POLICY, 'raw'), { code: 'FST_FLOODGATE_OPTION', message: /'policy'/ })
})
