// The partner's server: 10 requests a second and 5 in progress for each client, or a 429.
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import rateLimit from '../../lib/index.js'

/** `work`: how long a request takes, in milliseconds. */
export async function buildPartner(work = 400): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(rateLimit, {
    rateLimit: [
      { name: 'pace', rate: 10, per: 'second', burst: 10 },
      { name: 'progress', algorithm: 'concurrency', limit: 5 },
    ],
  })
  app.get<{ Params: { id: string } }>('/orders/:id', async ({ params }) => {
    await sleep(work)
    return { order: Number(params.id) }
  })
  return app
}
