// Which eviction policies keep the keys of clients that are denied and then stay away: the table of
// docs/redis.md.
//
//     node --import=tsx test/store/redis/chaos/evictions.ts [minutes between denial and flood, default 0]
import { setTimeout as sleep } from 'node:timers/promises'
import { createLimiter } from '../../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../../lib/redis.js'
import type { PolicyOptions } from '../../../../types/index.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { startRedis } from '../../../fixtures/redis/server.js'

const POLICIES = ['noeviction', 'volatile-ttl', 'volatile-lru', 'allkeys-lru', 'volatile-lfu', 'allkeys-lfu']
const RANDOM = ['volatile-random', 'allkeys-random']
const BUCKET = { rate: 100, per: 'hour', burst: 10 } as const
const WINDOW = { algorithm: 'sliding-window', rate: 5, per: '15 minutes' } as const
const DENIED = Array.from({ length: 50 }, (_, i) => `denied ${i}`)
const STRANGERS = 60_000
/** Bytes that are left for keys: for about a fifth of the strangers. */
const ROOM = 3_000_000

/**
 * How many of 50 denied keys of a limiter are left after a flood of strangers, who take `cost` units each of
 * the same limiter.
 */
async function left(policy: string, law: PolicyOptions, cost: number): Promise<number> {
  const server = await startRedis(undefined, { config: { 'maxmemory-policy': policy } })
  const { client, close } = await clients[0].single(server)
  const store = redisStore({ client: client as RedisClient, timeout: 10_000 })
  store.onStateChange(() => {})
  store.onWarning?.(() => {})
  const limiter = createLimiter({ name: 'flooded', ...law }, { store })
  await server.command('CONFIG', 'SET', 'maxmemory', Number((await server.info('memory')).used_memory) + ROOM)
  for (let i = 0; i < 11; i++) await Promise.all(DENIED.map((key) => limiter.take(key)))
  await sleep(Number(process.argv[2] ?? 0) * 60_000)
  for (let n = 0; n < STRANGERS; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => limiter.take(`stranger ${n + i}`, { cost })))
  }
  const names = DENIED.map((key) => limiter.storeKey(key))
  const kept = await Promise.all(names.map((name) => server.command('EXISTS', name)))
  await store.close()
  await close()
  await server.stop()
  return kept.reduce((sum: number, exists) => sum + Number(exists), 0)
}

console.log('| policy | bucket, strangers take 1 | bucket, they take all | window, 1 | window, all |')
for (const policy of [...POLICIES, ...RANDOM]) {
  const kept: number[] = []
  for (const law of [BUCKET, WINDOW])
    for (const cost of [1, law === BUCKET ? 10 : 5]) kept.push(await left(policy, law, cost))
  console.log(`| ${policy} | ${kept.join(' | ')} |`)
}
