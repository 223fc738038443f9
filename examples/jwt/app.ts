import { randomUUID } from 'node:crypto'
import jwt from '@fastify/jwt'
import Fastify, { type FastifyRequest } from 'fastify'
import rateLimit, { memoryStore, type SyncStore } from '../../lib/index.js'

interface User {
  sub: string
  plan: 'free' | 'pro'
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    /** Null until a token is verified. */
    user: User | null
  }
}

/** Stands for your database. */
const PLANS = new Map<string, User['plan']>([
  ['ada', 'free'],
  ['bob', 'free'],
  ['eve', 'pro'],
])

export async function buildApp(store: SyncStore = memoryStore(), secret: string = randomUUID()) {
  const app = Fastify()
  await app.register(jwt, { secret })

  await app.register(rateLimit, {
    store,
    // `authenticate` runs in preHandler. The limiter reads the key when it is there: no option says so.
    key: (request) => request.user?.sub,
    // What routes without a `config.rateLimit` get: the limiter that is called like the plan in the token.
    rateLimit: (request) => request.user?.plan,
    limiters: {
      free: { rate: 10, per: 'minute', burst: 3 },
      pro: { rate: 100, per: 'minute', burst: 20 },
    },
    // A client that guesses tokens has no plan: every request counts for its IP first.
    guard: { rate: 3000, per: 'minute', burst: 500 },
  })

  async function authenticate(request: FastifyRequest) {
    await request.jwtVerify()
  }

  // Stands for your check of a password.
  app.post<{ Body: { name: string } }>(
    '/login',
    {
      config: { rateLimit: { algorithm: 'sliding-window', rate: 20, per: '15 minutes', key: 'ip' } },
      schema: { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
    },
    async (request, reply) => {
      const { name } = request.body
      const plan = PLANS.get(name)
      if (plan === undefined) return reply.code(401).send({ error: 'Nobody has that name' })
      return { token: app.jwt.sign({ sub: name, plan }, { expiresIn: '15 minutes' }) }
    },
  )

  // The plan comes from a token that this app has signed, so it names a limiter of ours.
  app.get('/notes', { preHandler: authenticate }, async (request) => ({ notes: `of ${request.user?.sub}` }))
  app.post('/notes', { preHandler: authenticate }, async (_request, reply) => reply.code(201).send({}))

  return app
}
