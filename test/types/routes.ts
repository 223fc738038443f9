// `config.rateLimit` of a route in its five forms. Names are strings until they are declared: see augmented/.
import Fastify, { type FastifyRequest } from 'fastify'
import type { RoutePolicy, RouteRateLimit } from '../../lib/index.js'

const app = Fastify()
const handler = async () => 'ok'

app.get('/false', { config: { rateLimit: false } }, handler)
app.get('/name', { config: { rateLimit: 'login' } }, handler)
app.get(
  '/policy',
  { config: { rateLimit: { rate: 30, per: 'minute', burst: 5, key: 'user', cost: 2 } } },
  handler,
)
app.get('/inline', { config: { rateLimit: { key: (request) => request.ip, hook: 'preHandler' } } }, handler)
app.get('/list', { config: { rateLimit: ['default', { rate: 10, per: 'hour', cost: 5 }] } }, handler)
app.get('/function', { config: { rateLimit: (request) => (request.id === '1' ? 'login' : false) } }, handler)
app.get('/async', { config: { rateLimit: async () => 'login' as const } }, handler)
app.get('/left-out', { config: {} }, handler)
app.get('/others', { config: { rateLimit: 'login', title: 'of another plugin' } }, handler)
app.route({ method: 'GET', url: '/route', config: { rateLimit: ['default'] }, handler })

const policy: RoutePolicy = { rate: 5 }
const list = ['default', { rate: 5 }] as const
app.get('/variable', { config: { rateLimit: policy } }, handler)
app.get('/constant', { config: { rateLimit: list } }, handler)

// Fastify infers the type of the config from the value, so the value itself must be wrong.
// @ts-expect-error
app.get('/true', { config: { rateLimit: true } }, handler)
// @ts-expect-error
app.get('/number', { config: { rateLimit: 5 } }, handler)
// @ts-expect-error
app.get('/null', { config: { rateLimit: null } }, handler)
// @ts-expect-error
app.get('/rate', { config: { rateLimit: { rate: '5' } } }, handler)
// @ts-expect-error
app.get('/algorithm', { config: { rateLimit: { algorithm: 'fixed-window' } } }, handler)
// @ts-expect-error
app.get('/per', { config: { rateLimit: { per: 'fortnight' } } }, handler)
// @ts-expect-error
app.get('/list', { config: { rateLimit: [5] } }, handler)
// @ts-expect-error
app.get('/list', { config: { rateLimit: [false] } }, handler)
// @ts-expect-error
app.get('/list', { config: { rateLimit: [{ rate: '5' }] } }, handler)
// @ts-expect-error
app.get('/function', { config: { rateLimit: () => 5 } }, handler)
app.get('/function', { config: { rateLimit: () => ({ rate: 5 }) } }, handler)
app.get('/function', { config: { rateLimit: async () => ['default', { rate: 5 }] as const } }, handler)
// @ts-expect-error
app.get('/function', { config: { rateLimit: () => ({ rate: '5' }) } }, handler)
// @ts-expect-error
app.route({ method: 'GET', url: '/route', config: { rateLimit: 5 }, handler })

// The compiler sees a misspelt option where the type is ours. Registration refuses it in an inferred config.
// @ts-expect-error
export const misspelt: RouteRateLimit = { rtae: 5 }
// @ts-expect-error
export const misspeltInList: RouteRateLimit = ['default', { rtae: 5 }]

export const byRequest: RouteRateLimit = (request: FastifyRequest) =>
  request.routeOptions.config.rateLimit === false && 'a'
