import { createHash, timingSafeEqual } from 'node:crypto'
import basicAuth from '@fastify/basic-auth'
import Fastify, { type FastifyRequest } from 'fastify'
import rateLimitConsole from '../../lib/console.js'
import rateLimit from '../../lib/index.js'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const digest = (text: string) => createHash('sha256').update(text).digest()

/** A shop's API with limits, and the console of its operators at /limits/, behind a password. */
export async function buildApp(password: string) {
  // Clients of the example name their address in X-Forwarded-For, as a proxy on this machine would.
  const app = Fastify({ trustProxy: '127.0.0.1', forceCloseConnections: true })

  await app.register(rateLimit, {
    rate: 120,
    per: 'minute',
    burst: 20,
    key: 'ip',
    offenders: { size: 100 },
    limiters: {
      // The second policy is a shadow: it counts what it would deny, and denies nobody yet.
      search: [
        { name: 'search', algorithm: 'sliding-window', rate: 30, per: 'minute', key: 'ip' },
        {
          name: 'search-by-hour',
          algorithm: 'sliding-window',
          rate: 200,
          per: 'hour',
          key: 'ip',
          enforce: false,
        },
      ],
      login: {
        algorithm: 'sliding-window',
        rate: 5,
        per: 'minute',
        key: 'ip',
        block: { for: '2 minutes', factor: 2, max: '1 hour' },
      },
      // Held until its units have come back, for 2 seconds at most.
      checkout: { rate: 1, per: 'second', burst: 1, wait: '2 seconds', key: 'ip' },
      reports: { algorithm: 'concurrency', limit: 4, key: 'global' },
    },
  })

  const expected = digest(password)
  await app.register(basicAuth, {
    authenticate: { realm: 'limits' },
    async validate(name, given) {
      if (name !== 'operator' || !timingSafeEqual(digest(given), expected)) throw new Error('wrong password')
    },
  })
  await app.register(rateLimitConsole, {
    prefix: '/limits',
    onRequest: app.basicAuth,
    who: () => 'operator',
  })

  app.get('/products', async () => ({ products: ['lamp', 'chair', 'table'] }))
  app.get('/search', { config: { rateLimit: 'search' } }, async () => ({ found: [] }))
  app.post('/login', { config: { rateLimit: 'login' } }, async (_request: FastifyRequest, reply) =>
    reply.code(401).send({ error: 'Wrong account or password' }),
  )
  app.post('/checkout', { config: { rateLimit: 'checkout' } }, async () => ({ ordered: true }))
  app.get('/reports', { config: { rateLimit: 'reports' } }, async () => {
    await sleep(400)
    return { rows: 12 }
  })
  return app
}
