import Fastify from 'fastify'
import { load } from '../lib/build.js'
import { Dispatcher } from '../lib/http.js'
import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'
import { Stopwatch } from '../lib/rounds.js'

/** Requests that are made at a time, outside of what is timed. */
const CHUNK = 128
const KEYS = 10_000
const PLENTY = 2_000_000_000

let dispatcher
let denied
const keys = new Keys(KEYS)

const plugins = {
  bare: () => {},
  // The least that any limiter can add: a hook that sends the headers, and decides nothing.
  headers: (app) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply
        .header('x-ratelimit-limit', '100')
        .header('x-ratelimit-remaining', '99')
        .header('x-ratelimit-reset', '1')
      done()
    })
  },
  floodgate: async (app, { build, by, inProgress }) => {
    const { default: rateLimit } = await load(build)
    const policy = inProgress
      ? { algorithm: 'concurrency', limit: 10 }
      : denied
        ? { rate: 1, per: 'day', burst: 1 }
        : { rate: 1_000_000, per: 'second', burst: PLENTY }
    const byKey = { key: 'apiKey', keys: { apiKey: (request) => request.headers['x-api-key'] } }
    await app.register(rateLimit, { ...policy, ...(by === 'header' && byKey) })
  },
  // The console, and no page open.
  console: async (app, settings) => {
    await plugins.floodgate(app, settings)
    const { default: rateLimitConsole } = await load(settings.build, 'console.js')
    await app.register(rateLimitConsole, { prefix: '/limits', public: true })
  },
  // As many overrides as clients, of the clients or of others.
  overrides: async (app, settings) => {
    await plugins.floodgate(app, settings)
    const { by, first } = settings
    app.addHook('onReady', async () => {
      for (let i = first; i < first + KEYS; i++) {
        const key = by === 'header' ? keys.at(i) : address(i)
        app.rateLimit.override('default', key, { rate: 999_999, per: 'second', burst: PLENTY })
      }
    })
  },
  '@fastify/rate-limit': async (app, { by }) => {
    const { default: rateLimit } = await import('@fastify/rate-limit')
    const policy = denied ? { max: 1, timeWindow: '1 day' } : { max: PLENTY, timeWindow: '1 hour' }
    const byKey = { keyGenerator: (request) => request.headers['x-api-key'] }
    await app.register(rateLimit, { ...policy, cache: KEYS, ...(by === 'header' && byKey) })
  },
}

serve({
  async setup(settings) {
    denied = settings.outcome === 'denied'
    const app = Fastify()
    await plugins[settings.name](app, settings)
    app.get('/things', (_request, reply) => {
      reply.send('hello')
    })
    await app.ready()
    dispatcher = new Dispatcher(app)
    // Two rounds: what is to be denied is by the second.
    for (let from = 0; from < 2 * KEYS; from += 100) {
      const numbers = Array.from({ length: 100 }, (_, i) => (from + i) % KEYS)
      const exchanges = numbers.map((number) => dispatcher.exchange(keys.at(number), address(number)))
      await dispatcher.dispatch(exchanges, new Stopwatch())
    }
  },

  /** Dispatches `chunks` times 128 requests; returns ns per request. */
  async slice({ chunks }) {
    const watch = new Stopwatch()
    let turned = 0
    for (let i = 0; i < chunks; i++) {
      const exchanges = Array.from({ length: CHUNK }, () => {
        const number = Math.floor(Math.random() * KEYS)
        return dispatcher.exchange(keys.at(number), address(number))
      })
      turned += await dispatcher.dispatch(exchanges, watch)
    }
    const requests = chunks * CHUNK
    if (turned !== (denied ? requests : 0)) throw new Error(`${turned} of ${requests} were denied`)
    return { wall: watch.wall / requests, cpu: watch.cpu / requests }
  },
})

/** A new string, too. */
function address(number) {
  return `10.1.${number >>> 8}.${number & 255}`
}
