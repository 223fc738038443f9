// A program that imports a store over a network has to await what the plugin's limiters answer.
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { createClient, createCluster, createSentinel } from 'redis'
import rateLimit, {
  type AnyLimiter,
  type AsyncLimiter,
  type AsyncStore,
  createLimiter,
  type Decision,
  type Limiter,
  memoryStore,
} from '../../../lib/index.js'
import { type RedisClient, type RedisStoreOptions, redisStore } from '../../../lib/redis.js'
import { type Equal, holds } from '../equal.js'

const store = redisStore({ client: new Redis() })
holds<Equal<typeof store, AsyncStore>>()

const app = Fastify()
await app.register(rateLimit, { store })
await app.register(rateLimit, { store: memoryStore() })

holds<Equal<ReturnType<typeof app.rateLimit.get>, AnyLimiter>>()
holds<Equal<ReturnType<typeof app.rateLimit.define>, AnyLimiter>>()
const decision = await app.rateLimit.get('default').take('key')
holds<Equal<typeof decision, Decision>>()
// @ts-expect-error it may be a promise
app.rateLimit.get('default').take('key').allowed
const registered = app.rateLimit.get('default')
if (registered.sync) holds<Equal<typeof registered, Limiter>>()
else holds<Equal<typeof registered, AsyncLimiter>>()

app.get('/', async (request) => {
  const { rateLimit } = request
  if (rateLimit === null) return 'none'
  holds<Equal<ReturnType<typeof rateLimit.take>, Decision | Promise<Decision>>>()
  holds<Equal<ReturnType<typeof rateLimit.refund>, void | Promise<void>>>()
  // @ts-expect-error
  rateLimit.take().allowed
  return (await rateLimit.take()).allowed
})

const limiter = createLimiter({ name: 'jobs' }, { store })
holds<Equal<typeof limiter, AsyncLimiter>>()
holds<Equal<ReturnType<typeof limiter.take>, Promise<Decision>>>()
holds<Equal<ReturnType<typeof limiter.storeKey>, string>>()
limiter.storeKey('key', 'policy')
const local = createLimiter({ name: 'jobs' }, { store: memoryStore() })
holds<Equal<typeof local, Limiter>>()
holds<Equal<ReturnType<typeof local.take>, Decision>>()
// @ts-expect-error keys in memory have no names
local.storeKey('key')

const ignore: () => void = store.onStateChange((state, error) => {
  holds<Equal<typeof state, 'up' | 'down'>>()
  holds<Equal<typeof error, Error | undefined>>()
})
ignore()

const options: RedisStoreOptions[] = [
  { client: new Redis() },
  { client: new Redis.Cluster([]) },
  { client: new Valkey() },
  { client: new Valkey.Cluster([]) },
  { client: createClient() },
  { client: createCluster({ rootNodes: [] }) },
  { client: createSentinel({ name: 'main', sentinelRootNodes: [] }) },
  {
    client: new Redis(),
    prefix: 'a',
    timeout: 5,
    onStoreFailure: 'deny',
    instances: 2,
    lease: 20,
    denyCache: 0,
    shards: 4,
    secret: 'sixteen bytes or more',
  },
  { client: new Redis(), secret: Buffer.alloc(32) },
]
options.map(({ client }): RedisClient => client)

// @ts-expect-error a store needs a client
redisStore({})
// @ts-expect-error
redisStore({ client: 'redis://127.0.0.1' })
// @ts-expect-error
redisStore({ client: new Redis(), onStoreFailure: 'open' })
// @ts-expect-error
redisStore({ client: new Redis(), secret: 5 })
// @ts-expect-error
redisStore({ client: new Redis(), timeuot: 5 })
