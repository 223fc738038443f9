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
      // One client that tries many accounts,
      loginByIp: { algorithm: 'sliding-window', rate: 5, per: '15 minutes', key: 'ip' },
      // and many clients that try one: that needs the body, which is there in preHandler.
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
      // Charged on the way in and given back now: guesses that arrive all at once cannot overtake their count.
      request.rateLimit?.refund()
      return { welcome: accountOf(request) }
    },
  )

  return app
}

/** One spelling for each account, or each spelling would bring five more guesses. */
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

/** Takes as long for an account that does not exist. */
async function isRight(account: string, password: string): Promise<boolean> {
  return timingSafeEqual(ACCOUNTS.get(account) ?? NOBODY, await derive(password, SALT, 32))
}
