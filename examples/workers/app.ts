import { threadId } from 'node:worker_threads'
import Fastify from 'fastify'
import rateLimit from '../../lib/index.js'
import { type SharedMemory, sharedStore } from '../../lib/threads.js'

/** What each thread runs: an app of its own, over the memory of all. */
export async function buildApp(memory: SharedMemory) {
  const app = Fastify()
  await app.register(rateLimit, { rate: 100, per: 'minute', burst: 10, store: sharedStore({ memory }) })
  app.get('/', async () => ({ thread: threadId }))
  return app
}
