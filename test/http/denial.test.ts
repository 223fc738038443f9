import Fastify from 'fastify'
import { test } from 'tap'
import { DENIED_CODE, denialMessage, fastifyBody } from '../../lib/http/index.js'
import { deniedError } from '../../lib/plugin/errors.js'

const WAITS = [1, 999, 1000, 1001, 60_000, 86_400_000, Number.POSITIVE_INFINITY]

test('a denial says the seconds of Retry-After, or that the request can never be allowed', async (t) => {
  t.equal(denialMessage(600), 'Rate limit exceeded, retry in 1 second')
  t.equal(denialMessage(1001), 'Rate limit exceeded, retry in 2 seconds')
  t.equal(denialMessage(Number.POSITIVE_INFINITY), 'Rate limit exceeded, this request can never be allowed')
})

test("the body is, byte for byte, what Fastify's own error handler makes of the coded error", async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => {
    const retryAfter = Number((request.query as { wait: string }).wait)
    throw deniedError(denialMessage(retryAfter), {
      allowed: false,
      policy: 'default',
      violated: ['default'],
      limit: 10,
      remaining: 0,
      resetAfter: 6000,
      retryAfter,
    })
  })
  app.get('/', async () => 'never')
  for (const wait of WAITS) {
    const answer = await app.inject({ url: '/', query: { wait: String(wait) } })
    t.equal(answer.statusCode, 429)
    t.equal(answer.body, fastifyBody(denialMessage(wait)), `${wait} ms`)
    t.equal(answer.json().code, DENIED_CODE)
  }
})
