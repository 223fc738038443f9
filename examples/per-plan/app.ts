import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import rateLimit, { memoryStore, type SyncStore } from '../../lib/index.js'

interface User {
  id: string
  plan: 'free' | 'pro' | 'enterprise'
}

/** Stands for your sessions or tokens. */
const USERS = new Map<string, User>([
  ['token-of-ada', { id: 'ada', plan: 'free' }],
  ['token-of-bob', { id: 'bob', plan: 'free' }],
  ['token-of-eve', { id: 'eve', plan: 'pro' }],
  ['token-of-zoe', { id: 'zoe', plan: 'enterprise' }],
])

export async function buildApp(store: SyncStore = memoryStore()) {
  const app = Fastify()
  app.decorateRequest('account', null)

  await app.register(rateLimit, {
    store,
    key: 'user',
    keys: { user: (request) => userOf(request).id },
    // A client that guesses tokens has no plan: every request counts for its IP first.
    guard: { rate: 3000, per: 'minute', burst: 500 },
    limiters: {
      free: { rate: 10, per: 'minute', burst: 3 },
      pro: { rate: 100, per: 'minute', burst: 20 },
    },
  })

  async function authenticate(request: FastifyRequest, reply: FastifyReply) {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    const user = USERS.get(token)
    if (user === undefined) {
      reply.code(401).header('www-authenticate', 'Bearer')
      return reply.send({ statusCode: 401, error: 'Unauthorized', message: 'Send a valid bearer token' })
    }
    request.setDecorator('account', user)
  }

  /** Returns the name of a limiter, or `false` for none. It runs for each request, after `authenticate`. */
  function byPlan(request: FastifyRequest) {
    const { plan } = userOf(request)
    return plan === 'enterprise' ? false : plan
  }

  // All routes of a named limiter share its units: reports and exports together.
  const planned = { onRequest: authenticate, config: { rateLimit: byPlan } }
  app.get('/report', planned, async (request) => ({ report: `for ${userOf(request).id}` }))
  app.get('/export', planned, async (request) => ({ export: `for ${userOf(request).id}` }))

  return app
}

function userOf(request: FastifyRequest): User {
  return request.getDecorator<User>('account')
}
