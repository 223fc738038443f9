import { test } from 'tap'
import { fleetKeys } from '../../../lib/store/redis/fleet/script.js'
import type { AsyncLimiter, AsyncStore } from '../../../types/index.js'
import { clients } from '../../fixtures/redis/clients.js'
import { keysWithoutTtl } from '../../fixtures/redis/monitor.js'
import { type Server, startRedis } from '../../fixtures/redis/server.js'
import { type Joined, join } from './fleet/support.js'
import { chargesOf, clientOf, limiterOf, storeOf } from './one-server.js'

/** The commands that docs/redis.md says a user needs. */
const COMMANDS = [
  ...['eval', 'evalsha', 'time', 'get', 'mget', 'set', 'incrby', 'pexpireat', 'del'],
  ...['getrange', 'setrange', 'strlen'],
]
/** Those that it needs for changes by hand, as well. */
const FLEET_COMMANDS = [
  ...['hmget', 'hset', 'hdel', 'hlen', 'hgetall', 'persist', 'rpush', 'ltrim', 'lrange'],
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
  'blocks that grow': (store) => {
    const block = { for: '1 hour', factor: 2 } as const
    const limiters = [
      limiterOf(store, { ...BUCKET, burst: 2, block }),
      limiterOf(store, { ...WINDOW, rate: 3, block }),
    ]
    const operator = () => store.block(chargesOf(limiters[0], 'blocked'), 1000)
    const reset = () => limiters[0].reset('blocked')
    return [...times(12, () => limiters.map((limiter) => limiter.take('blocked'))), operator, reset]
  },
  'calls that are held': (store) => {
    const limiter = limiterOf(store, { name: 'held', rate: 1, per: 'minute', burst: 4, wait: '1 minute' })
    return times(12, () => limiter.take('held'))
  },
  'work in progress': (store) => {
    const limiter = limiterOf(store, { name: 'work', algorithm: 'concurrency', limit: 5 })
    const renew = () => [limiter.refund('work'), limiter.take('work').then(() => {})]
    return [...times(12, () => limiter.take('work')), renew]
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

/** All that processes exchange: two that hear of each other, and a server that lost what was in force. */
async function exchange(server: Server, processes: readonly Joined[]): Promise<void> {
  const [one, two] = processes
  const all = async () => {
    for (const { hand } of [one, two, one, two]) await hand.tick()
  }
  one.put('update', 'text')
  one.put('ended', 'text', 'note', Date.now() - 120_000)
  one.fleet.free('name')
  one.seat.reports()
  await all()
  one.put('update', 'other')
  two.put('end', null)
  await all()
  await server.command('FLUSHALL')
  await all()
}

test('changes by hand need the commands of the documentation, and each of them', async (t) => {
  const server = await startRedis(t)
  await allow(server, [...COMMANDS, ...FLEET_COMMANDS])
  const options = { ...USER, enableReadyCheck: false }
  const processes = [1, 2].map(() => join(t, server, { prefix: PREFIX, options }))
  const members = await Promise.all(processes)
  await exchange(server, members)
  const failures = () => members.flatMap(({ member }) => member.failures.splice(0))
  t.same(failures(), [])
  t.same(await server.command('HLEN', fleetKeys(PREFIX)[0]), 3)
  for (const missing of FLEET_COMMANDS) {
    await allow(
      server,
      [...COMMANDS, ...FLEET_COMMANDS].filter((command) => command !== missing),
    )
    const refused = async () => {
      await exchange(server, members)
      return failures().some((failure) => failure !== null)
    }
    t.ok(await refused(), missing)
    await allow(server, [...COMMANDS, ...FLEET_COMMANDS])
    await exchange(server, members)
    failures()
  }
})
