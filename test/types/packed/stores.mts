// A user of the other doors of the package: checked, compiled and run as it stands here.
import { metrics } from '@opentelemetry/api'
import Fastify from 'fastify'
import rateLimit, { type AsyncLimiter, createLimiter } from 'fastify-floodgate'
import rateLimitConsole, { type ConsoleState } from 'fastify-floodgate/console'
import { fileLimits, type LimitsSource } from 'fastify-floodgate/limits'
import { openTelemetry, prometheus } from 'fastify-floodgate/metrics'
import { type RedisStoreOptions, redisStore } from 'fastify-floodgate/redis'
import { type ReplayReport, replay } from 'fastify-floodgate/replay'
import { createSharedMemory, type SharedMemory, sharedStore } from 'fastify-floodgate/threads'
import { Registry } from 'prom-client'

const memory: SharedMemory = createSharedMemory({ maxKeys: 1000 })
const limiters = [0, 1].map(() =>
  createLimiter({ name: 'once', rate: 1, burst: 1 }, { store: sharedStore({ memory }) }),
)
const shared = limiters.map((limiter) => limiter.take('a').allowed)

const registry = new Registry()
prometheus(limiters[0], { registry })
openTelemetry(limiters[1], { meter: metrics.getMeter('test') })
// @ts-expect-error the app itself has no counters
export const wrong = () => prometheus({}, { registry })
const [counted] = (await registry.metrics()).match(/^floodgate_units_total.*$/m) as string[]

export function overRedis(client: RedisStoreOptions['client']): AsyncLimiter {
  return createLimiter({ name: 'once', rate: 1 }, { store: redisStore({ client }) })
}

export const limits: LimitsSource = fileLimits('limits.json')

let refused = ''
try {
  // @ts-expect-error no client
  redisStore({ client: {} })
} catch (error) {
  refused = (error as { code: string }).code
}
async function* log(): AsyncIterable<Uint8Array> {
  yield Buffer.from('192.0.2.1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5\n'.repeat(3))
}
const report: ReplayReport = await replay({ files: log(), policies: [{ rate: 1, per: 'minute' }] })
const replayed: number = report.policies[0].denied.count
// @ts-expect-error no files
export const nothing = () => replay({})

const app = Fastify()
await app.register(rateLimit)
await app.register(rateLimitConsole, { prefix: '/limits', public: true })
// @ts-expect-error no hook
export const wrongHook = () => app.register(rateLimitConsole, { onRequest: 'operators' })
export const limitersOf = ({ limiters }: ConsoleState): string[] => limiters.map(({ name }) => name)
const page: number[] = []
for (const url of ['/limits/', '/limits/assets/uplot.js']) page.push((await app.inject(url)).statusCode)

console.log(JSON.stringify({ shared, counted, refused, replayed, page }))
