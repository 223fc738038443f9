// Where users declare their names, the compiler refuses the name of an unknown limiter or key strategy.
import Fastify from 'fastify'
import rateLimit, { type KeyStrategyName, type LimiterName, type RouteRateLimit } from 'fastify-floodgate'
import { type Equal, holds } from '../equal.js'

declare module 'fastify-floodgate' {
  interface LimiterNames {
    login: true
    search: true
  }
  interface KeyNames {
    apiKey: true
  }
}

holds<Equal<LimiterName, 'default' | 'login' | 'search'>>()
holds<Equal<KeyStrategyName, 'ip' | 'global' | 'apiKey'>>()

const app = Fastify()
const handler = async () => 'ok'

await app.register(rateLimit, {
  key: 'apiKey',
  limiters: { login: { key: 'global' }, search: [{ key: 'ip' }] },
})
// @ts-expect-error
await app.register(rateLimit, { key: 'apikey' })
// @ts-expect-error
await app.register(rateLimit, { limiters: { login: { key: 'user' } } })

app.get('/name', { config: { rateLimit: 'login' } }, handler)
app.get('/default', { config: { rateLimit: 'default' } }, handler)
app.get('/list', { config: { rateLimit: ['default', 'search', { rate: 5, key: 'apiKey' }] } }, handler)
app.get('/function', { config: { rateLimit: (request) => (request.id === '1' ? 'login' : false) } }, handler)
app.get('/async', { config: { rateLimit: async () => 'login' as const } }, handler)
app.get('/policy', { config: { rateLimit: { rate: 5, key: 'apiKey' } } }, handler)
app.get('/inline', { config: { rateLimit: { rate: 5, key: (request) => request.ip } } }, handler)

// @ts-expect-error
app.get('/name', { config: { rateLimit: 'logn' } }, handler)
// @ts-expect-error
app.get('/list', { config: { rateLimit: ['default', 'logn'] } }, handler)
// @ts-expect-error
app.get('/function', { config: { rateLimit: () => 'logn' } }, handler)
// @ts-expect-error
app.get('/policy', { config: { rateLimit: { rate: 5, key: 'apikey' } } }, handler)
// @ts-expect-error
app.route({ method: 'GET', url: '/route', config: { rateLimit: 'logn' }, handler })

app.rateLimit.get('login').take('a')
app.rateLimit.hook('default')
app.rateLimit.has('logn')
// @ts-expect-error
app.rateLimit.get('logn')
// @ts-expect-error
app.rateLimit.hook('logn')

export const right: RouteRateLimit[] = ['default', 'search', ['login']]
// @ts-expect-error
export const wrong: RouteRateLimit = 'logn'
