// A process whose client has no listener of its user's: `ioredis <port>` or `node-redis <port>`, where no
// server is.
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { createLimiter } from '../../../../lib/index.js'
import { redisStore } from '../../../../lib/redis.js'

const [, , kind, port] = process.argv
const own = kind === 'ioredis' ? new Redis(Number(port)) : createClient({ url: `redis://127.0.0.1:${port}` })
const store = redisStore({ client: own, timeout: 50 })
if (!(own instanceof Redis)) own.connect().catch(() => {})
const limiter = createLimiter({ name: 'lonely', rate: 1 }, { store })
const down = new Promise<string>((resolve) =>
  store.onStateChange((_, error) => resolve(String(error?.message))),
)
for (let i = 0; i < 6; i++) await limiter.take('key')
console.log(await down)
await store.close()
if (own instanceof Redis) own.disconnect()
else own.destroy()
