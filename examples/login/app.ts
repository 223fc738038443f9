import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import rateLimit, { memoryStore, type SyncStore } from '../../lib/index.js'

interface Credentials {
  account: string
  password: string
}

const YEAR = 365 * 86_400

export async function buildApp(store: SyncStore = memoryStore()) {
  const app = Fastify()
  await app.register(cookie, { secret: randomBytes(32).toString('hex') }) // a lasting secret in production

  await app.register(rateLimit, {
    store,
    limiters: {
      // Limits one client that tries many accounts. Each further block within a week lasts four times longer.
      loginByIp: {
        algorithm: 'sliding-window',
        rate: 20,
        per: '15 minutes',
        key: 'ip',
        charge: 'failed',
        block: { for: '15 minutes', factor: 4, max: '1 day', forget: '7 days' },
      },
      // Limits many clients that try one account. The account is in the body, which preHandler can read.
      loginByAccount: {
        algorithm: 'sliding-window',
        rate: 10,
        per: 'hour',
        key: (request) => accountKey(request),
        hook: 'preHandler',
        charge: 'failed',
        block: { for: '1 hour', factor: 2, max: '1 day' },
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
      const account = accountOf(request)
      // The same answer, after the same time, for an account that does not exist.
      if (!(await isRight(account, (request.body as Credentials).password)))
        return reply.code(401).send({ error: 'Wrong account or password' })
      const device = reply.signCookie(`${account} ${randomUUID()}`)
      reply.setCookie('device', device, { httpOnly: true, sameSite: 'strict', maxAge: YEAR, path: '/login' })
      return { welcome: account }
    },
  )

  return app
}

/** For an operator: an account, or a client's address, may try again at once. */
export function unlock(app: FastifyInstance, { account, ip }: { account?: string; ip?: string }): void {
  if (account !== undefined) app.rateLimit.get('loginByAccount').reset(`account ${spelled(account)}`)
  if (ip !== undefined) app.rateLimit.get('loginByIp').reset(ip)
}

/**
 * Who is counted for an account: strangers together, and each device that has logged in to it before by
 * itself. So strangers who guess lock each other out, and never the owner (OWASP calls these device cookies).
 */
function accountKey(request: FastifyRequest): string {
  const account = accountOf(request)
  const { valid, value } = request.unsignCookie(request.cookies.device ?? '')
  return valid && value?.startsWith(`${account} `) ? `device ${value}` : `account ${account}`
}

function accountOf(request: FastifyRequest): string {
  return spelled((request.body as Credentials).account)
}

/** One spelling for each account. Otherwise each spelling would allow ten more guesses. */
function spelled(account: string): string {
  return account.trim().toLowerCase()
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
