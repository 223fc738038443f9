import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import rateLimit from '../../../../lib/index.js'
import { FileLimits } from '../../../../lib/limits/file-limits.js'
import { RedisLimits } from '../../../../lib/limits/redis-limits.js'
import { redisStore } from '../../../../lib/redis.js'
import { after } from '../../../../lib/store/index.js'
import type { LimitsSource, RateLimitOptions } from '../../../../types/index.js'

/** A process of a fleet: what its parent asks of its `app.rateLimit`, or of a limiter in it, it does. */
export interface Start {
  port: number
  options: RateLimitOptions
  store: { lease: number; timeout: number }
  /** Where its limits come from, if anywhere: a path or the name of a key. */
  limits?: { file: string } | { key: string }
}

export interface Request {
  id: number
  /** The name of the limiter; null: `app.rateLimit` itself. */
  limiter: string | null
  method: string
  args: readonly unknown[]
}

export interface Reply {
  id: number
  value?: unknown
  error?: string
}

const { port, options, store, limits } = JSON.parse(process.argv[2]) as Start
const client = new Redis({ port, retryStrategy: () => 50 })

/** Reads every few milliseconds, so that a test sees many documents. */
function source(limits: NonNullable<Start['limits']>): LimitsSource {
  const soon: typeof after = (_ms, then) => after(5, then)
  return 'file' in limits ? new FileLimits(limits.file, soon) : new RedisLimits({ client, ...limits }, soon)
}

const app = Fastify()
await app.register(rateLimit, {
  ...options,
  store: redisStore({ client, ...store }),
  ...(limits && { limits: source(limits) }),
} as RateLimitOptions)
app.get('/', async () => 'hello')
await app.ready()

type Methods = Record<string, (...args: readonly unknown[]) => unknown>

/** What requests one after the other got until they were to end: by status, and limit in the headers. */
const load = { isOn: false, seen: {} as Record<string, number> }

async function hammer(): Promise<void> {
  load.isOn = true
  while (load.isOn) {
    const { statusCode, headers } = await app.inject('/')
    const seen = `${statusCode} ${headers['x-ratelimit-limit']}`
    load.seen[seen] = (load.seen[seen] ?? 0) + 1
    await sleep(2)
  }
}

async function answer({ limiter, method, args }: Request): Promise<unknown> {
  if (method === 'hammer') return void hammer()
  if (method === 'rest') {
    load.isOn = false
    return load.seen
  }
  if (method === 'versionIs') {
    while (app.rateLimit.stats().limits?.version !== args[0]) await sleep(1)
    return
  }
  if (method === 'heap') {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  const of = limiter === null ? app.rateLimit : app.rateLimit.get(limiter)
  return await (of as unknown as Methods)[method](...args)
}

process.on('message', (request: Request) => {
  const reply = (rest: object) => process.send?.({ id: request.id, ...rest })
  answer(request).then(
    (value) => reply({ value: JSON.parse(JSON.stringify(value ?? null)) }),
    (error: Error) => reply({ error: error.message }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ id: 0 })
