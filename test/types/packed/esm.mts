// A user of the package in an ES module: checked, compiled and run as it stands here.
import Fastify from 'fastify'
import * as all from 'fastify-floodgate'
import rateLimit, {
  createLimiter,
  type Decision,
  type LimiterName,
  memoryStore,
  type RateLimitOptions,
  retryAfterSeconds,
} from 'fastify-floodgate'

declare module 'fastify-floodgate' {
  interface LimiterNames {
    login: true
  }
}

const name: LimiterName = 'login'
// @ts-expect-error a name that nobody declared
export const misspelt: LimiterName = 'logn'
// @ts-expect-error
export const wrong: RateLimitOptions = { rate: '100' }

const app = Fastify()
await app.register(rateLimit, { rate: 60, burst: 2, limiters: { login: { rate: 1 } } })
app.get('/', async (request) => request.rateLimit?.decision.remaining)
app.get('/login', { config: { rateLimit: name } }, async () => 'ok')
const codes: number[] = []
for (let i = 0; i < 3; i++) codes.push((await app.inject('/')).statusCode)

const limiter = createLimiter(
  { name: 'commands', rate: 1 },
  { store: memoryStore({ clock: { now: () => 0 } }) },
)
limiter.take('a')
const decision: Decision = limiter.take('a')
const wait = decision.allowed ? null : retryAfterSeconds(decision.retryAfter)
console.log(JSON.stringify({ codes, wait, names: Object.keys(all) }))
