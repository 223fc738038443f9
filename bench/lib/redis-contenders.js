import { createRequire } from 'node:module'
import { Redis } from 'ioredis'
import { load } from './build.js'

const PLENTY = 2_000_000_000
const DAY = 86_400

/**
 * Limiters over Redis, all by ioredis: `take(key)` promises whether the key was allowed. With `denied` a key
 * has one unit a day, else more than it ever asks for.
 */
export const REDIS_CONTENDERS = {
  floodgate,
  'floodgate, leases of 20': (settings) => floodgate({ ...settings, lease: 20 }),
  '@fastify/rate-limit': fastify,
  'rate-limiter-flexible': flexible,
  '@fastify/rate-limit, auto-pipelining': (settings) => fastify({ ...settings, pipelining: true }),
  'rate-limiter-flexible, auto-pipelining': (settings) => flexible({ ...settings, pipelining: true }),
  'rate-limiter-flexible, inMemoryBlockOnConsumed': (settings) => flexible({ ...settings, block: true }),
}

async function floodgate({ build, port, denied, lease = 1 }) {
  const { createLimiter } = await load(build)
  const { redisStore } = await load(build, 'redis.js')
  const client = new Redis(port)
  // Names of keys are as long as the fastest peer's: 44 bytes. A longer one takes Redis two allocations.
  const prefix = lease === 1 ? 'b' : 'l'
  const store = redisStore({ client, lease, prefix, onStoreFailure: 'deny', timeout: 5000 })
  // As in a peer's window of a day, units are out for longer than a key rests: no key comes and goes while it
  // is measured.
  const policy = denied ? { rate: 1, per: 'day', burst: 1 } : { rate: 10_000, per: 'day', burst: 1_000_000 }
  const limiter = createLimiter({ name: 'x', ...policy }, { store })
  return { client, limiter, store, take: async (key) => (await limiter.take(key)).allowed }
}

async function fastify({ port, denied, pipelining = false }) {
  const require = createRequire(import.meta.url)
  const RedisStore = require('@fastify/rate-limit/store/RedisStore.js')
  const client = new Redis(port, { enableAutoPipelining: pipelining })
  const store = new RedisStore(false, false, client, `frl${pipelining}-`)
  const max = denied ? 1 : PLENTY
  const take = (key) =>
    new Promise((resolve, reject) => {
      const answered = (error, result) => (error ? reject(error) : resolve(result.current <= max))
      store.incr(key, answered, DAY * 1000, max)
    })
  return { client, take }
}

async function flexible({ port, denied, pipelining = false, block = false }) {
  const { RateLimiterRedis } = await import('rate-limiter-flexible')
  const client = new Redis(port, { enableAutoPipelining: pipelining })
  const points = denied ? 1 : PLENTY
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: `rlf${pipelining}${block}`,
    points,
    duration: DAY,
    ...(block && { inMemoryBlockOnConsumed: points }),
  })
  const take = async (key) => {
    try {
      await limiter.consume(key)
      return true
    } catch (denial) {
      if (denial instanceof Error) throw denial
      return false
    }
  }
  return { client, take }
}
