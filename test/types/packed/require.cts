// A user of the package in CommonJS, with require().
import fastify = require('fastify')
import rateLimit = require('fastify-floodgate')
import rateLimitConsole = require('fastify-floodgate/console')

import type { Decision, RateLimitOptions } from 'fastify-floodgate'

// @ts-expect-error
export const wrong: RateLimitOptions = { rate: '100' }
// @ts-expect-error
export const missing = rateLimit.nothing

async function main() {
  const app = fastify()
  app.register(rateLimit, { rate: 60, burst: 2 })
  app.register(rateLimitConsole, { prefix: '/limits', public: true })
  app.get('/', async (request) => request.rateLimit?.decision.remaining)
  const codes: number[] = []
  for (let i = 0; i < 3; i++) codes.push((await app.inject('/')).statusCode)

  const { createLimiter, memoryStore, retryAfterSeconds } = rateLimit
  const limiter = createLimiter(
    { name: 'commands', rate: 1 },
    { store: memoryStore({ clock: { now: () => 0 } }) },
  )
  limiter.take('a')
  const decision: Decision = limiter.take('a')
  const wait = decision.allowed ? null : retryAfterSeconds(decision.retryAfter)
  console.log(JSON.stringify({ codes, wait, names: Object.keys(rateLimit), type: typeof rateLimit }))
}

void main()
