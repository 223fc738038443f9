import { threadId } from 'node:worker_threads'
import Fastify from 'fastify'
import rateLimit from '../../lib/index.js'
import { type SharedMemory, sharedStore } from '../../lib/threads.js'

/** The app of one thread. All threads share `memory`. */
export async function buildApp(memory: SharedMemory) {
  const app = Fastify()
  await app.register(rateLimit, { rate: 100, per: 'minute', burst: 10, store: sharedStore({ memory }) })
  app.get('/', async () => ({ thread: threadId }))
  return app
}
