import { createHash, timingSafeEqual } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import rateLimit from '../../lib/index.js'

/** An API that limits its clients by API key. `apiKeys` are the valid keys. */
export async function buildApp(apiKeys: readonly string[]) {
  const app = Fastify()
  app.decorateRequest('apiKey', '')

  await app.register(rateLimit, {
    rate: 100,
    per: 'minute',
    burst: 10,
    // Set by `authenticate`, so a guessed key spends no units of a real key, and gets no bucket of its own.
    key: 'apiKey',
    keys: { apiKey: (request) => request.getDecorator<string>('apiKey') },
    // Limits guessing: every request counts for its IP, before `authenticate` looks at its key.
    guard: { rate: 3000, per: 'minute', burst: 500 },
    exempt: ['/docs', '/docs/*'],
    // HANDOFFKIT_API_RATE_LIMIT_PER_MIN and HANDOFFKIT_API_BURST override rate and burst.
    env: 'HANDOFFKIT_API_',
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Handoff API', version: '1.0.0' },
      components: { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } } },
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })

  const digests = apiKeys.map(digest)

  async function authenticate(request: FastifyRequest, reply: FastifyReply) {
    const key = String(request.headers['x-api-key'] ?? '')
    const given = digest(key)
    // Compares all keys, each in constant time, so that the time says nothing about any key.
    if (digests.filter((known) => timingSafeEqual(known, given)).length > 0) {
      request.setDecorator('apiKey', key)
      return
    }
    reply.code(401).header('www-authenticate', 'ApiKey realm="handoff"')
    return reply.send({ statusCode: 401, error: 'Unauthorized', message: 'Send a valid key in x-api-key' })
  }

  app.get(
    '/health',
    { config: { rateLimit: false }, schema: { summary: 'Is it up? Never limited' } },
    async () => ({ status: 'ok' }),
  )

  const behindKey = { onRequest: authenticate }
  const security = [{ apiKey: [] }]

  app.post(
    '/api/v1/check',
    { ...behindKey, schema: { summary: 'Can somebody take over?', security } },
    async () => ({ available: true }),
  )
  app.post(
    '/api/v1/handoff',
    { ...behindKey, schema: { summary: 'Hand a conversation over', security } },
    async () => ({ accepted: true }),
  )

  app.get(
    '/api/v1/search',
    {
      config: { rateLimit: { algorithm: 'sliding-window', rate: 30, per: 'minute', key: 'ip' } },
      schema: {
        summary: 'Search, without a key: limited by IP',
        querystring: { type: 'object', properties: { q: { type: 'string' } } },
      },
    },
    async (request) => ({ query: (request.query as { q?: string }).q ?? '', results: [] }),
  )

  return app
}

/** Digests have equal length, which a comparison in constant time requires. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
