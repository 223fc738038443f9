// A user of the other doors of the package: checked, compiled and run as it stands here.
import { type AsyncLimiter, createLimiter } from 'fastify-floodgate'
import { type RedisStoreOptions, redisStore } from 'fastify-floodgate/redis'
import { createSharedMemory, type SharedMemory, sharedStore } from 'fastify-floodgate/threads'

const memory: SharedMemory = createSharedMemory({ maxKeys: 1000 })
const limiters = [0, 1].map(() =>
  createLimiter({ name: 'once', rate: 1, burst: 1 }, { store: sharedStore({ memory }) }),
)
const shared = limiters.map((limiter) => limiter.take('a').allowed)

export function overRedis(client: RedisStoreOptions['client']): AsyncLimiter {
  return createLimiter({ name: 'once', rate: 1 }, { store: redisStore({ client }) })
}

let refused = ''
try {
  // @ts-expect-error no client
  redisStore({ client: {} })
} catch (error) {
  refused = (error as { code: string }).code
}
console.log(JSON.stringify({ shared, refused }))
