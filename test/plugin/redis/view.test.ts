import { test } from 'tap'
import { ask, left, limited } from './support.js'

const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const

test('a handler takes more and gives back, and the headers say what came of it', async (t) => {
  const { app } = await limited(t, only(10))
  app.get('/take', async (request) => request.rateLimit?.take(4))
  app.get('/refund', async (request) => {
    await request.rateLimit?.refund()
    return request.rateLimit?.decision
  })
  const taken = await app.inject('/take')
  t.match(taken.json(), { allowed: true, remaining: 5 })
  t.equal(taken.headers['x-ratelimit-remaining'], '5')
  const refunded = await app.inject('/refund')
  t.match(refunded.json(), { allowed: true, remaining: 5 })
  t.equal(refunded.headers['x-ratelimit-remaining'], '5')
})

test('a take that is denied charges nothing, and the request stays allowed', async (t) => {
  const { app } = await limited(t, { ...only(5), limiters: { small: only(3) } })
  app.get('/', { config: { rateLimit: ['default', 'small'] } }, async (request) => ({
    more: await request.rateLimit?.take(3),
    after: request.rateLimit?.decision,
    again: await request.rateLimit?.take(2),
  }))
  const reply = await app.inject('/')
  t.match(reply.json(), {
    more: { allowed: false, policy: 'small', violated: ['small'], remaining: 2 },
    after: { allowed: true, policy: 'small', remaining: 2 },
    again: { allowed: true, policy: 'small', remaining: 0 },
  })
  t.equal(await left(app), 2)
})

test('takes and refunds that nobody waited for are done in their order', async (t) => {
  const { app } = await limited(t, only(20))
  app.get('/', async (request) => {
    const { rateLimit } = request
    const answers = await Promise.all([
      rateLimit?.take(5),
      rateLimit?.take(3),
      rateLimit?.take(20),
      rateLimit?.take(1),
    ])
    return answers.map((answer) => answer?.allowed)
  })
  t.same((await app.inject('/')).json(), [true, true, false, true])
  t.equal(await left(app), 10)
  app.rateLimit.get('default')
})

test('all that a request was charged, in several takes, goes back at once', async (t) => {
  for (const algorithm of ['token-bucket', 'sliding-window'] as const) {
    const { app, clock } = await limited(t, { algorithm, rate: 10, per: 'hour' })
    app.get('/', async (request) => {
      await request.rateLimit?.take(2)
      clock.advance(10)
      await request.rateLimit?.take(3)
      clock.advance(10)
      await request.rateLimit?.refund(4)
      const { remaining } = request.rateLimit?.decision ?? {}
      await request.rateLimit?.refund()
      await request.rateLimit?.refund()
      return [remaining, request.rateLimit?.decision.remaining]
    })
    t.same((await app.inject('/')).json(), [8, 10], algorithm)
  }
})

test('a refund that nobody waits for reaches the store, and one after the reply changes no header', async (t) => {
  const { app } = await limited(t, only(5))
  let done: Promise<unknown> = Promise.resolve()
  app.get('/', async () => 'ok')
  app.addHook('onResponse', async (request) => {
    done = Promise.resolve(request.rateLimit?.refund())
  })
  t.equal(await ask(app, '/'), '200 4')
  await done
  t.equal(await left(app), 5)
})

test('bad costs are refused at once', async (t) => {
  const { app } = await limited(t, only(5))
  app.get('/', async (request) => {
    const codes: unknown[] = []
    for (const verb of ['take', 'refund'] as const) {
      for (const cost of [-1, 0.5, Number.NaN]) {
        try {
          await request.rateLimit?.[verb](cost)
        } catch (error) {
          codes.push((error as { code: string }).code)
        }
      }
    }
    return codes
  })
  t.same((await app.inject('/')).json(), Array(6).fill('FST_FLOODGATE_COST'))
  t.equal(await left(app), 4)
})

test('code that replies to a denial may read, take and refund, and it stays a denial', async (t) => {
  const { app } = await limited(t, only(1))
  app.get('/', async () => 'ok')
  app.setErrorHandler(async (_error, request, reply) => {
    const taken = await request.rateLimit?.take()
    await request.rateLimit?.refund()
    reply.code(429)
    return [taken, request.rateLimit?.decision]
  })
  t.equal(await ask(app, '/'), '200 0')
  const reply = await app.inject('/')
  t.equal(reply.statusCode, 429)
  t.match(reply.json(), [{ allowed: false }, { allowed: false, remaining: 0 }])
  t.equal(reply.headers['x-ratelimit-remaining'], '0')
})
