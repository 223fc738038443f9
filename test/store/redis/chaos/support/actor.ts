import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { compilePolicy } from '../../../../../lib/policy/index.js'
import { type RedisClient, redisStore } from '../../../../../lib/redis.js'
import { newCharge } from '../../../../../lib/store/index.js'
import type { AsyncStore, Bucket, Charge, PolicyOptions } from '../../../../../types/index.js'
import { monotonicMs } from './monotonic.js'
import { flavourOf } from './subject.js'

/** A program that asks for one key all the time. It writes down what it is told, so it may be killed. */
export interface Part {
  client: string
  port: number
  prefix: string
  policy: PolicyOptions
  denyCache: number
  /** Calls under way at once. */
  loops: number
  /** Whether it works with the units that it takes, and gives them back. Else it keeps them. */
  works: boolean
  /** The file for what it was told. */
  log: string
}

/** A decision. Times are those of `monotonicMs`, around the call. */
export interface Told {
  sent: number
  received: number
  allowed: boolean
  blocked: boolean
  retryAfter: number
  delay: number
  /** Microseconds of the server. */
  chargedAt: number
  source: string
}

/** A unit in progress, from the call that took or renewed it until shortly before it is given back. */
export interface Work {
  id: string
  sent: number
  from: number
  /** Absent in the first of its two lines: the process may have been killed in between. */
  till?: number
}

/** Longer than a `hold` of 1 second, so that it is renewed. */
const LONG = 1800
const RENEW = 400

class Actor {
  readonly #part: Part
  readonly #store: AsyncStore
  readonly #bucket: Bucket
  readonly #log: number
  #works = 0
  stopped = false

  constructor(part: Part, client: RedisClient) {
    this.#part = part
    const { prefix, denyCache, policy, log } = part
    this.#store = redisStore({ client, prefix, denyCache, timeout: 10_000 })
    this.#bucket = this.#store.open(compilePolicy(policy, 'chaos'), 'chaos')
    this.#log = openSync(log, 'a')
  }

  async warmUp(): Promise<void> {
    await this.#store.peek([{ ...newCharge(this.#bucket), key: 'somebody else' }])
  }

  async play(): Promise<void> {
    const { loops, works } = this.#part
    const loop = async (nth: number) => {
      while (!this.stopped) {
        const told = await this.#take()
        if (works && told.charge.allowed) await this.#work(told, nth === 0 ? LONG : 5 + Math.random() * 20)
        else await sleep(2)
      }
    }
    await Promise.all(Array.from({ length: loops }, (_, nth) => loop(nth)))
    await this.#store.close()
  }

  async #take(charge: Charge = { ...newCharge(this.#bucket), key: 'hot' }) {
    const sent = monotonicMs()
    await this.#store.take([charge])
    const received = monotonicMs()
    const { allowed, blocked, retryAfter, delay, chargedAt, source } = charge
    const told: Told = { sent, received, allowed, blocked, retryAfter, delay, chargedAt, source }
    if (!this.#part.works) this.#write(told)
    return { charge, sent, received }
  }

  async #work({ charge, sent, received }: { charge: Charge; sent: number; received: number }, ms: number) {
    const id = `${process.pid} ${++this.#works}`
    const work = { id, sent, from: received }
    this.#write(work)
    await sleep(Math.min(ms, RENEW))
    this.#write({ ...work, till: monotonicMs() })
    const given = this.#store.refund([{ ...charge }])
    if (ms <= RENEW) {
      await given
      return
    }
    // A renewal: back and taken again in one turn.
    const again = await this.#take(charge)
    if (charge.allowed) await this.#work(again, ms - RENEW)
    else this.#write({ ...work, id: `${id} lost`, till: received })
  }

  #write(line: Told | Work): void {
    writeSync(this.#log, `${JSON.stringify(line)}\n`)
  }
}

let actor: Actor | undefined

async function obey(message: Part | 'play' | 'stop'): Promise<unknown> {
  if (message === 'play') return actor?.play()
  if (message === 'stop') {
    if (actor !== undefined) actor.stopped = true
    return undefined
  }
  const { client } = await flavourOf(message.client).single({ port: message.port })
  actor = new Actor(message, client as RedisClient)
  await actor.warmUp()
  return process.send?.('ready')
}

process.on('message', (message: Part | 'play' | 'stop') => {
  obey(message).then(
    () => message === 'play' && process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
