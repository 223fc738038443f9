import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import rateLimit, { memoryStore, type SyncStore } from '../../lib/index.js'

/** A row of the table `plans`: units a minute, and how many of them at once; null for no limit. */
interface Plan {
  rate: number | null
  burst: number
}

/** Stands for a table of your database, which people change while the app runs. */
class PlanTable {
  readonly #rows = new Map<string, Plan>([
    ['free', { rate: 10, burst: 3 }],
    ['pro', { rate: 100, burst: 20 }],
    ['enterprise', { rate: null, burst: 0 }],
  ])

  async get(name: string): Promise<Plan | undefined> {
    return this.#rows.get(name)
  }

  async set(name: string, plan: Plan): Promise<void> {
    this.#rows.set(name, plan)
  }
}

interface Account {
  id: string
  plan: string
}

/** Stands for your sessions or tokens. */
const ACCOUNTS = new Map<string, Account>([
  ['token-of-ada', { id: 'ada', plan: 'free' }],
  ['token-of-bob', { id: 'bob', plan: 'free' }],
  ['token-of-eve', { id: 'eve', plan: 'pro' }],
  ['token-of-zoe', { id: 'zoe', plan: 'enterprise' }],
])

export async function buildApp(operatorToken: string = randomUUID(), store: SyncStore = memoryStore()) {
  const app = Fastify()
  app.decorateRequest('account', null)
  const plans = new PlanTable()

  await app.register(rateLimit, {
    store,
    key: (request) => accountOf(request).id,
    guard: { rate: 3000, per: 'minute', burst: 500 },
  })

  async function authenticate(request: FastifyRequest, reply: FastifyReply) {
    const account = ACCOUNTS.get(bearerOf(request))
    if (account === undefined) return reply.code(401).send({ error: 'Send a valid bearer token' })
    request.setDecorator('account', account)
  }

  /**
   * The limit of a request, as the table has it at this moment. A changed row holds from the next request on:
   * its users start with all units of the new limit.
   */
  async function limitOf(request: FastifyRequest) {
    const plan = await plans.get(accountOf(request).plan)
    if (plan === undefined) return 'default'
    if (plan.rate === null) return false
    return { rate: plan.rate, per: 'minute', burst: plan.burst } as const
  }

  app.get('/report', { onRequest: authenticate, config: { rateLimit: limitOf } }, async (request) => ({
    report: `for ${accountOf(request).id}`,
  }))

  app.put<{ Params: { name: string }; Body: Plan }>(
    '/plans/:name',
    {
      onRequest: async (request, reply) => {
        if (bearerOf(request) !== operatorToken) return reply.code(403).send({ error: 'For operators only' })
      },
      config: { rateLimit: { rate: 30, per: 'minute', key: 'ip' } },
      schema: {
        body: {
          type: 'object',
          required: ['rate', 'burst'],
          properties: {
            rate: { type: ['integer', 'null'], minimum: 0, maximum: 1_000_000 },
            burst: { type: 'integer', minimum: 1, maximum: 1_000_000 },
          },
        },
      },
    },
    async (request, reply) => {
      await plans.set(request.params.name, request.body)
      return reply.code(204).send()
    },
  )

  return app
}

function accountOf(request: FastifyRequest): Account {
  return request.getDecorator<Account>('account')
}

function bearerOf(request: FastifyRequest): string {
  return request.headers.authorization?.replace(/^Bearer /, '') ?? ''
}
