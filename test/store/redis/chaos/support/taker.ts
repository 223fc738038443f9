import { setTimeout as sleep } from 'node:timers/promises'
import { createLimiter } from '../../../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../../../lib/redis.js'
import type { AsyncStore, Charge, LimiterOptions } from '../../../../../types/index.js'
import { storeLike } from '../../../../fixtures/redis/store-like.js'
import { monotonicMs } from './monotonic.js'
import { flavourOf } from './subject.js'

/** A program that hammers one key on request, and reports what it was admitted. */
export interface Job {
  client: string
  port: number
  prefix: string
  limiter: LimiterOptions
  lease: number
}

/** When to work. Instants of `process.hrtime`, in ms: all processes of a machine have the same. */
export interface Shift {
  from: number
  till: number
}

export interface Taken {
  admitted: number
  denied: number
  /** Answers that were not the store's. */
  others: number
  /**
   * Of each unit admitted the server's time, in µs; of token buckets not later than it was so, by 1 ms at
   * most.
   */
  instants: number[]
  /** When answers came, by `monotonicMs`. */
  answers: number[]
}

const LOOPS = 8

/** Resolves, once it is ready, with what does the job. */
async function prepare({ client, port, prefix, limiter: options, lease }: Job) {
  const connected = await flavourOf(client).single({ port })
  const taken: Taken = { admitted: 0, denied: 0, others: 0, instants: [], answers: [] }
  const store = redisStore({ client: connected.client as RedisClient, prefix, lease, timeout: 10_000 })
  const limiter = createLimiter(options, { store: watched(store, taken.instants) })
  await limiter.take('somebody else')
  taken.instants.length = 0
  const loop = async (till: number) => {
    while (monotonicMs() < till) {
      const { allowed, source } = await limiter.take('hot')
      taken.answers.push(monotonicMs())
      if (source !== undefined) taken.others++
      if (allowed) taken.admitted++
      else {
        taken.denied++
        await sleep(3)
      }
    }
  }
  return async ({ from, till }: Shift): Promise<Taken> => {
    await sleep(Math.max(0, from - monotonicMs()))
    await Promise.all(Array.from({ length: LOOPS }, () => loop(till)))
    await store.close()
    await connected.close()
    return taken
  }
}

/** The store, and beside it a record of when it admitted. */
function watched(store: AsyncStore, instants: number[]): AsyncStore {
  return storeLike(store, {
    async take(charges) {
      const allowed = await store.take(charges)
      if (allowed) instants.push(instantOf(charges[0]))
      return allowed
    },
  })
}

/**
 * `chargedAt` is: of a window, the instant of the charge, of a token bucket, the instant at which it would be
 * full.
 */
function instantOf({ bucket, chargedAt, resetAfter }: Charge): number {
  return bucket.policy.algorithm === 'sliding-window' ? chargedAt : chargedAt - resetAfter * 1000
}

let work: Promise<(shift: Shift) => Promise<Taken>>

async function obey(message: Job | Shift): Promise<Taken | 'ready'> {
  if ('from' in message) return (await work)(message)
  work = prepare(message)
  await work
  return 'ready'
}

process.on('message', (message: Job | Shift) => {
  obey(message).then(
    (answer) => process.send?.(answer),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
