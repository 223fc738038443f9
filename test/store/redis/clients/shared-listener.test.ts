import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import { onEvent } from '../../../../lib/store/redis/clients/shared-listener.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { startCluster } from '../../../fixtures/redis/cluster.js'
import { startProxy } from '../../../fixtures/redis/proxy.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { clientOf, limiterOf, storeOf } from '../one-server.js'

const BUCKET = { rate: 1, per: 'day', burst: 1000 } as const

/** How many listen to an event of a client. */
const listeners = (client: object, event: string) => (client as unknown as EventEmitter).listenerCount(event)

test('a client gets one listener for any number of ours, and none when there are none', (t) => {
  const client = new EventEmitter()
  const heard: string[] = []
  for (let round = 0; round < 2; round++) {
    const stops = ['a', 'b'].map((name) => onEvent(client, 'close', () => heard.push(name)))
    t.equal(listeners(client, 'close'), 1)
    client.emit('close')
    stops[0]()
    client.emit('close')
    t.equal(listeners(client, 'close'), 1)
    stops[1]()
    client.emit('close')
    t.equal(listeners(client, 'close'), 0)
  }
  t.same(heard, ['a', 'b', 'b', 'a', 'b', 'b'])
  t.end()
})

test('stores of one client share its listener, and each fails at once when the connection is lost', async (t) => {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  const client = await clientOf(t, line)
  const before = listeners(client, 'close')
  const stores = Array.from({ length: 20 }, () => storeOf(client, { timeout: 60_000 }))
  for (const store of stores) t.teardown(store.onStateChange(() => {}))
  const limiters = stores.map((store) => limiterOf(store, BUCKET))
  await Promise.all(limiters.map((limiter) => limiter.take('key')))
  t.equal(listeners(client, 'close'), before + 1)
  line.blackhole()
  const pending = limiters.map((limiter) => limiter.take('key'))
  await sleep(20)
  line.cut()
  line.open()
  // Long before their timeout.
  for (const decision of await Promise.all(pending)) t.match(decision, { allowed: true, source: 'local' })
  for (const store of stores.slice(1)) await store.close()
  t.equal(listeners(client, 'close'), before + 1, 'one is left')
  await stores[0].close()
  t.equal(listeners(client, 'close'), before)
})

test('stores of one client of a Cluster share its listener as well', async (t) => {
  const cluster = await startCluster(t)
  const { client, close } = await clients[0].cluster(cluster.targets)
  t.teardown(close)
  const before = listeners(client, '-node')
  const stores = Array.from({ length: 20 }, () => storeOf(client as RedisClient))
  for (const store of stores) t.match(await limiterOf(store, BUCKET).take('key'), { source: undefined })
  t.equal(listeners(client, '-node'), before + 1)
  for (const store of stores) await store.close()
  t.equal(listeners(client, '-node'), before)
})
