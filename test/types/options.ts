// Options of the plugin. Right ones must compile, and a `@ts-expect-error` without an error does not compile.
import Fastify from 'fastify'
import rateLimit, {
  memoryStore,
  type Period,
  type PolicyOptions,
  type RateLimitOptions,
} from '../../lib/index.js'

const app = Fastify()

await app.register(rateLimit)
await app.register(rateLimit, {})
await app.register(rateLimit, {
  rate: 100,
  per: 'minute',
  burst: 10,
  algorithm: 'token-bucket',
  key: 'apiKey',
  keys: { apiKey: (request) => request.headers['x-api-key']?.toString() },
  limiters: {
    login: { algorithm: 'sliding-window', rate: 5, per: '15 minutes', key: 'ip' },
    several: [{ rate: 10 }, { name: 'hourly', rate: 100, per: 'hour' }],
  },
  guard: { rate: 1000, per: 'minute' },
  exempt: ['/docs', '/docs/*'],
  allow: ['10.0.0.0/8', '::1'],
  env: 'API_',
  store: memoryStore({ maxKeys: 100_000, clock: { now: () => 0 } }),
  headers: ['x-ratelimit'],
  body: 'fastify',
  ipv6Prefix: 56,
  cost: (request) => (request.body === undefined ? 1 : 2),
  hook: 'preHandler',
  onDenied(request, reply, decision, { first }) {
    if (first) request.log.info(decision.policy)
    void reply.code(429).send({ error: 'slow down' })
  },
})
await app.register(rateLimit, { prefix: '/api', logLevel: 'warn', rate: 5 })
await app.register(rateLimit, { allow: (request, key) => request.ip === key, headers: [] })

// @ts-expect-error a name that is misspelt
await app.register(rateLimit, { rtae: 100 })
// @ts-expect-error a number in a string
await app.register(rateLimit, { rate: '100' })
// @ts-expect-error the default limiter's name is 'default'
await app.register(rateLimit, { name: 'mine' })

export const wrong: RateLimitOptions[] = [
  // @ts-expect-error
  { algorithm: 'fixed-window' },
  // @ts-expect-error
  { per: 'fortnight' },
  // @ts-expect-error `hook` cannot ask for arrival
  { hook: 'onRequest' },
  // @ts-expect-error
  { headers: ['x-rate-limit'] },
  // @ts-expect-error
  { body: 'html' },
  // @ts-expect-error
  { exempt: '/docs' },
  // @ts-expect-error
  { allow: async () => 'yes' },
  // @ts-expect-error
  { limiters: { login: { rate: 5, brust: 1 } } },
  // @ts-expect-error a guard is by IP
  { guard: { rate: 5, key: 'ip' } },
  // @ts-expect-error
  { store: {} },
  // @ts-expect-error
  { keys: { apiKey: () => ({}) } },
  // @ts-expect-error
  { cost: async () => '1' },
]

export const periods: Period[] = [
  ...(['second', 'minute', 'hour', 'day'] as const),
  ...(['15 minutes', '1 minute', '1.5 hours', '30s', '250ms', '7d'] as const),
  1500,
]
export const noPeriods: Period[] = [
  // @ts-expect-error
  'fortnight',
  // @ts-expect-error
  '5 fortnights',
  // @ts-expect-error
  'minutes',
  // @ts-expect-error
  '',
  // @ts-expect-error
  10n,
]

// @ts-expect-error
memoryStore({ maxKeys: 5, max: 5 })
// @ts-expect-error a clock without now
memoryStore({ clock: {} })

export const policy: PolicyOptions = { name: 'p', algorithm: 'sliding-window', rate: 1, per: 'day' }
// @ts-expect-error a key is not part of a policy
export const keyed: PolicyOptions = { rate: 1, key: 'ip' }
