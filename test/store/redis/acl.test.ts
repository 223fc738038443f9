import { test } from 'tap'
import type { AsyncLimiter, AsyncStore } from '../../../types/index.js'
import { clients } from '../../fixtures/redis/clients.js'
import { keysWithoutTtl } from '../../fixtures/redis/monitor.js'
import { type Server, startRedis } from '../../fixtures/redis/server.js'
import { clientOf, limiterOf, storeOf } from './one-server.js'

/** The commands that docs/redis.md says a user needs. */
const COMMANDS = [
  ...['eval', 'evalsha', 'time', 'get', 'mget', 'set', 'incrby', 'pexpireat', 'del'],
  ...['getrange', 'setrange', 'strlen'],
]
const PREFIX = 'acl'
const USER = { username: 'floodgate', password: 'secret' }

const BUCKET = { name: 'bucket', rate: 5, per: 'hour', burst: 5 } as const
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 5, per: 'hour' } as const
/** More than the script reads at once of a window. */
const MANY = 200

async function allow(server: Server, commands: readonly string[]): Promise<void> {
  const rules = commands.map((command) => `+${command}`)
  const user = ['SETUSER', USER.username, 'reset', 'on', `>${USER.password}`, `~${PREFIX}:*`, '-@all']
  await server.command('ACL', ...user, ...rules)
}

interface Outcome {
  admitted: number
  failed: number
}

/**
 * Makes the calls one after the other, and counts the units that the store admitted, and the calls that it
 * failed.
 */
async function count(calls: readonly (() => unknown)[]): Promise<Outcome> {
  const outcome = { admitted: 0, failed: 0 }
  for (const call of calls) {
    const answers = await Promise.allSettled([call()].flat())
    for (const answer of answers) {
      if (answer.status === 'rejected') outcome.failed++
      else if ((answer.value as { allowed?: boolean } | undefined)?.allowed) outcome.admitted++
    }
  }
  return outcome
}

const times = <Value>(many: number, call: () => Value) => Array.from({ length: many }, () => call)

/**
 * Each use of a store: its calls about keys that may have at most five units, and how many units are given
 * back.
 */
const USES: Record<string, (store: AsyncStore) => (() => unknown)[]> = {
  'lone takes of a bucket': (store) => {
    const limiter = limiterOf(store, BUCKET)
    return times(12, () => limiter.take('lone'))
  },
  'lone takes of a window': (store) => {
    const limiter = limiterOf(store, WINDOW)
    return times(12, () => limiter.take('lone'))
  },
  'takes of several keys at once': (store) => {
    const [bucket, window] = [limiterOf(store, BUCKET), limiterOf(store, WINDOW)]
    const none = (limiter: AsyncLimiter) => limiter.take('none', { cost: 6 })
    return times(12, () => [bucket.take('batch'), none(bucket), none(window)])
  },
  'both laws at once': (store) => {
    const limiter = limiterOf(store, BUCKET, WINDOW)
    return times(12, () => limiter.take('both'))
  },
  'a large window': (store) => {
    const limiter = limiterOf(store, { ...WINDOW, rate: MANY })
    return [
      () => limiter.take('large', { cost: MANY - 4 }),
      ...times(12, () => limiter.take('large', { cost: 1 })),
    ]
  },
  leases: (store) => {
    const limiter = limiterOf(store, BUCKET)
    return times(12, () => limiter.take('leased'))
  },
  'peek, refund and reset': (store) => {
    const limiter = limiterOf(store, BUCKET, WINDOW)
    const take = () => limiter.take('verbs', { cost: 2 })
    const peek = async () => void (await limiter.peek('verbs'))
    return [take, take, peek, () => limiter.refund('verbs', 2), () => limiter.reset('verbs'), take]
  },
}

async function useAll(
  server: Server,
  store: (lease: number) => AsyncStore,
): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {}
  for (const [name, use] of Object.entries(USES)) {
    const used = store(name === 'leases' ? 8 : 1)
    used.onStateChange(() => {})
    await server.command('SCRIPT', 'FLUSH')
    outcomes[name] = await count(use(used))
    await used.close()
  }
  return outcomes
}

for (const flavour of clients.filter(({ name }) => name === 'ioredis 6' || name === 'node-redis 6')) {
  test(`a user with the commands of the documentation needs no others: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    await allow(server, COMMANDS)
    const options = { ...USER, enableReadyCheck: false }
    const client = await clientOf(t, server, { options }, flavour)
    const outcomes = await useAll(server, (lease) =>
      storeOf(client, { prefix: PREFIX, lease, denyCache: 0, onStoreFailure: 'deny' }),
    )
    for (const [name, { admitted, failed }] of Object.entries(outcomes)) {
      t.equal(failed, 0, `${name}: no call fails`)
      t.equal(admitted, name === 'peek, refund and reset' ? 3 : 5, `${name}: what the law admits`)
    }
    t.same(await keysWithoutTtl(server), [])
  })
}

test('without any one of these commands calls fail, and none is allowed for that', async (t) => {
  const server = await startRedis(t)
  const client = await clientOf(t, server, { options: { ...USER, enableReadyCheck: false }, wait: false })
  for (const missing of COMMANDS) {
    await server.command('FLUSHALL')
    await allow(
      server,
      COMMANDS.filter((command) => command !== missing),
    )
    const outcomes = await useAll(server, (lease) =>
      storeOf(client, { prefix: PREFIX, lease, denyCache: 0, onStoreFailure: 'deny' }),
    )
    const failed = Object.values(outcomes).reduce((sum, outcome) => sum + outcome.failed, 0)
    t.ok(failed > 0, `${missing}: ${failed} calls fail`)
    for (const [name, { admitted }] of Object.entries(outcomes))
      t.ok(admitted <= 5, `without ${missing}, ${name}: ${admitted} units`)
  }
})
