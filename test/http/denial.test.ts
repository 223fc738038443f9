import Fastify from 'fastify'
import { test } from 'tap'
import { DENIED_CODE, denialMessage, fastifyBody } from '../../lib/http/index.js'
import { deniedError } from '../../lib/limiter/index.js'

const WAITS = [1, 999, 1000, 1001, 60_000, 86_400_000, Number.POSITIVE_INFINITY]

const QUOTA = { status: 429, retryAfter: 600, blocked: false, inProgress: false } as const

test('a denial says why, and the seconds of Retry-After, or that the request can never be allowed', (t) => {
  t.equal(denialMessage(QUOTA), 'Rate limit exceeded, retry in 1 second')
  t.equal(denialMessage({ ...QUOTA, retryAfter: 1001 }), 'Rate limit exceeded, retry in 2 seconds')
  t.equal(
    denialMessage({ ...QUOTA, retryAfter: Number.POSITIVE_INFINITY }),
    'Rate limit exceeded, this request can never be allowed',
  )
  t.equal(
    denialMessage({ ...QUOTA, blocked: true, retryAfter: 60_000 }),
    'Blocked after too many requests, retry in 60 seconds',
  )
  t.equal(denialMessage({ ...QUOTA, inProgress: true }), 'Too many requests in progress, retry in 1 second')
  t.end()
})

test("the body is, byte for byte, what Fastify's own error handler makes of the coded error", async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => {
    const { wait, status } = request.query as Record<string, string>
    const retryAfter = Number(wait)
    throw deniedError(Number(status) as 429 | 503, denialMessage({ ...QUOTA, retryAfter }), {
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
  for (const status of [429, 503] as const) {
    for (const wait of WAITS) {
      const answer = await app.inject({ url: '/', query: { wait: String(wait), status: String(status) } })
      t.equal(answer.statusCode, status)
      t.equal(answer.body, fastifyBody(status, denialMessage({ ...QUOTA, retryAfter: wait })), `${wait} ms`)
      t.equal(answer.json().code, DENIED_CODE)
    }
  }
})
