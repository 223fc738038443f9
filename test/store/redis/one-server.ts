import type { Test } from 'tap'
import { createLimiter } from '../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../lib/redis.js'
import { newCharge } from '../../../lib/store/index.js'
import type { RedisStoreOptions } from '../../../lib/store/redis/options.js'
import { RedisStore } from '../../../lib/store/redis/store.js'
import type { AsyncLimiter, AsyncStore, Bucket, Charge, PolicyOptions } from '../../../types/index.js'
import { type ConnectOptions, clients, type Flavour } from '../../fixtures/redis/clients.js'
import { type Server, type ServerOptions, startRedis } from '../../fixtures/redis/server.js'
import { freshPrefix } from './support.js'

type Owner = Pick<Test, 'teardown'>

/** A private server and a client of it. */
export async function serve(
  t: Owner,
  options: ServerOptions = {},
): Promise<{ server: Server; client: RedisClient }> {
  const server = await startRedis(t, options)
  return { server, client: await clientOf(t, server) }
}

/** A client of a server or of a line to one; ioredis where nothing else is said. */
export async function clientOf(
  t: Owner,
  target: { port: number; password?: string },
  options: ConnectOptions = {},
  flavour: Flavour = clients[0],
): Promise<RedisClient> {
  const { client, close } = await flavour.single({ port: target.port, password: target.password }, options)
  t.teardown(close)
  return client as RedisClient
}

/** A store on real time, with keys of its own; it waits long, so that a noisy machine fails no test. */
export function storeOf(client: RedisClient, options: Partial<RedisStoreOptions> = {}): AsyncStore {
  return redisStore({ client, prefix: freshPrefix(), timeout: 10_000, ...options })
}

export function limiterOf(store: AsyncStore, ...policies: PolicyOptions[]): AsyncLimiter {
  return createLimiter({ name: 'tested', policies }, { store })
}

/** What a limiter asks its store about a key, with a charge for each policy. */
export function chargesOf(limiter: AsyncLimiter, key: string, cost = 1): Charge[] {
  const { buckets } = limiter as unknown as { buckets: readonly Bucket[] }
  return buckets.map((bucket) => ({ ...newCharge(bucket), key, cost }))
}

/** The time of several stores and of their one server, in whole µs; each store has an origin of its own. */
export class Times {
  /** Of the server: so far ahead of its own that no key expires while a test thinks that it is younger. */
  server = Date.now() * 1000 + 86_400_000_000
  #passed = 0

  /** Milliseconds, fractions down to 0.001. */
  advance(ms: number): void {
    this.#passed += Math.round(ms * 1000)
    this.server += Math.round(ms * 1000)
  }

  get passed(): number {
    return this.#passed
  }

  /** A store on this time, `origin` µs away from the others. */
  store(client: RedisClient, options: Partial<RedisStoreOptions> = {}, origin = 0): RedisStore {
    const clocks = { local: () => origin + this.#passed, server: () => this.server }
    return new RedisStore({ client, prefix: freshPrefix(), timeout: 10_000, ...options }, clocks)
  }
}

/** Makes every timer and immediate that is due run, and what they started come back: one round trip. */
export async function turn(client: RedisClient): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await (client as unknown as { ping(): Promise<unknown> }).ping()
}
