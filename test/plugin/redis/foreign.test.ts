import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import type { AsyncStore } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { storeLike } from '../../fixtures/redis/store-like.js'
import { serve } from '../../store/redis/one-server.js'
import { clockedStore } from '../../store/redis/support.js'
import { ask, left, user } from './support.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const

async function over(t: Test, options: RateLimitOptions, own: Partial<AsyncStore>) {
  const { client } = await serve(t)
  const app = Fastify()
  t.teardown(() => app.close())
  const store = storeLike(clockedStore(client, new ManualClock()), own)
  await app.register(rateLimit, { keys: { user }, ...options, store } as RateLimitOptions)
  return app
}

test('a denial whose undoing is rejected is a 429, and says of itself', async (t) => {
  let refunds = 0
  const refund = async () => {
    refunds++
    throw new Error('it cannot')
  }
  const app = await over(t, only(10), { refund })
  const rateLimit = ['default', { ...only(1), hook: 'preHandler' as const }]
  app.get('/', { config: { rateLimit } }, async () => 'ok')
  t.equal(await ask(app, '/'), '200 0')
  for (let i = 1; i <= 3; i++) {
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 429)
    t.match(reply.headers, { 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0', 'retry-after': '3600' })
    t.equal(refunds, i)
  }
  t.equal(await left(app), 6, 'what was not given back is charged')
})

test('a failure that is none of the store goes its own way', async (t) => {
  const take = async () => {
    throw new TypeError('a mistake')
  }
  const app = await over(t, only(10), { take })
  app.get('/', async () => 'ok')
  const reply = await app.inject('/')
  t.match(reply.json(), { statusCode: 500, message: 'a mistake' })
})

test('a look that is rejected leaves the request with what it was told', async (t) => {
  const peek = async () => {
    throw new Error('it cannot')
  }
  const app = await over(t, only(10), { peek })
  app.get('/', async (request) => {
    const denied = await request.rateLimit?.take(20)
    await request.rateLimit?.refund()
    return [denied, request.rateLimit?.decision]
  })
  const reply = await app.inject('/')
  t.match(reply.json(), [{ allowed: false }, { allowed: false, remaining: 9 }])
})

test('a store that goes down without a word of why is told in the log all the same', async (t) => {
  const { client } = await serve(t)
  const lines: { level: number; msg: string }[] = []
  const stream = { write: (text: string) => lines.push(JSON.parse(text)) }
  const app = Fastify({ logger: { level: 'info', stream } })
  t.teardown(() => app.close())
  let change: (state: 'up' | 'down') => void = () => {}
  const onStateChange: AsyncStore['onStateChange'] = (listener) => {
    change = listener
    return () => {}
  }
  await app.register(rateLimit, {
    store: storeLike(clockedStore(client, new ManualClock()), { onStateChange }),
  } as RateLimitOptions)
  change('down')
  change('up')
  t.match(lines, [
    { level: 50, msg: 'the rate limit store does not answer' },
    { level: 30, msg: 'rate limit store answers again' },
  ])
})
