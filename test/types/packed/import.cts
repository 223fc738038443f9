// A user of the package in CommonJS that is compiled from import declarations.
import Fastify from 'fastify'
import rateLimit, {
  createLimiter,
  memoryStore,
  type RateLimitOptions,
  retryAfterSeconds,
} from 'fastify-floodgate'
import rateLimitConsole from 'fastify-floodgate/console'

const options: RateLimitOptions = { rate: 60, burst: 2 }

async function main() {
  const app = Fastify()
  app.register(rateLimit, options)
  app.register(rateLimitConsole, { prefix: '/limits', public: true })
  app.get('/', async () => 'ok')
  const codes: number[] = []
  for (let i = 0; i < 3; i++) codes.push((await app.inject('/')).statusCode)

  const limiter = createLimiter(
    { name: 'commands', rate: 1 },
    { store: memoryStore({ clock: { now: () => 0 } }) },
  )
  limiter.take('a')
  const decision = limiter.take('a')
  const wait = decision.allowed ? null : retryAfterSeconds(decision.retryAfter)
  console.log(JSON.stringify({ codes, wait }))
}

void main()
