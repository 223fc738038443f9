import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import Fastify, { type FastifyRequest } from 'fastify'
import rateLimit, { memoryStore, type SyncStore } from '../../lib/index.js'

interface Credentials {
  account: string
  password: string
}

export async function buildApp(store: SyncStore = memoryStore()) {
  const app = Fastify()

  await app.register(rateLimit, {
    store,
    limiters: {
      // Limits one client that tries many accounts.
      loginByIp: { algorithm: 'sliding-window', rate: 5, per: '15 minutes', key: 'ip' },
      // Limits many clients that try one account. The account is in the body, which preHandler can read.
      loginByAccount: {
        algorithm: 'sliding-window',
        rate: 5,
        per: '15 minutes',
        key: (request) => accountOf(request),
        hook: 'preHandler',
      },
    },
  })

  app.post(
    '/login',
    {
      config: { rateLimit: ['loginByIp', 'loginByAccount'] },
      schema: {
        body: {
          type: 'object',
          required: ['account', 'password'],
          properties: { account: { type: 'string', pattern: '\\S' }, password: { type: 'string' } },
        },
      },
    },
    async (request, reply) => {
      if (!(await isRight(accountOf(request), (request.body as Credentials).password))) {
        return reply.code(401).send({ error: 'Wrong account or password' })
      }
      // Charged on arrival and given back now, so guesses that arrive at the same time are all counted.
      request.rateLimit?.refund()
      return { welcome: accountOf(request) }
    },
  )

  return app
}

/** One spelling for each account. Otherwise each spelling would allow five more guesses. */
function accountOf(request: FastifyRequest): string {
  return (request.body as Credentials).account.trim().toLowerCase()
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const SALT = randomBytes(16)
/** Stands for your database. */
const ACCOUNTS = new Map([
  ['ada', await derive('lovelace', SALT, 32)],
  ['alan', await derive('turing', SALT, 32)],
])
const NOBODY = randomBytes(32)

/** Takes equally long for an account that does not exist. */
async function isRight(account: string, password: string): Promise<boolean> {
  return timingSafeEqual(ACCOUNTS.get(account) ?? NOBODY, await derive(password, SALT, 32))
}
