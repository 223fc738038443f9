import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../../lib/redis.js'
import { RedisFleet } from '../../../../lib/store/redis/fleet/fleet.js'
import { connect } from '../../../../lib/store/redis/index.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { Hand } from '../../../store/redis/fleet/support.js'

export const PREFIX = 'app'

export interface Member {
  app: FastifyInstance
  hand: Hand
  /** Lines of the log, at info and above. */
  lines: string[]
}

/** An app of a fleet, which exchanges when a test says so. */
export async function memberOf(
  t: Pick<Test, 'teardown'>,
  server: { port: number },
  options: RateLimitOptions = {},
  define: (app: FastifyInstance) => void = () => {},
): Promise<Member> {
  const { client, close } = await clients[0].single(server)
  t.teardown(close)
  const hand = new Hand()
  const store = redisStore({ client: client as RedisClient, prefix: PREFIX, timeout: 10_000 })
  const nothing = { forget: () => {}, forgetAll: () => {} }
  const parts = { connection: connect(client as RedisClient), prefix: PREFIX, secret: undefined, ...nothing }
  Object.assign(store, { fleet: new RedisFleet(parts, hand.after) })
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line) => void lines.push(JSON.parse(line).msg) } } })
  t.teardown(() => app.close())
  await app.register(rateLimit, { warnings: false, log: false, ...options, store } as RateLimitOptions)
  define(app)
  await app.ready()
  return { app, hand, lines }
}

/** Lets what members did reach all of them: the first in the list sends first. */
export async function exchange(...members: readonly Member[]): Promise<void> {
  for (const { hand } of [...members, ...members]) await hand.tick()
}
