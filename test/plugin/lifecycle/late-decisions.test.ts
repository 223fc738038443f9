import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { lateStore } from '../../fixtures/late-store.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { CLIENT, limited, ok, only } from '../support/app.js'

/** An app whose first request was allowed and whose next ones are denied, once the store is let answer. */
async function late(t: Test, options: RateLimitOptions = {}, server: FastifyServerOptions = {}) {
  const room = lateStore(new ManualClock())
  // A function as the key: it decides after the hooks of the app.
  const app = await limited({ ...only(1), key: () => 'all', store: room.store, ...options }, server)
  t.teardown(() => app.close())
  app.get('/', ok)
  return { app, ...room }
}

/** The last: the answer where that cannot be sent, because of a header. */
const STYLES: [string, RateLimitOptions, number][] = [
  ['the plain body', {}, 500],
  ["body: 'problem'", { body: 'problem' }, 500],
  // What fails is replaced by the error of the denial.
  ['a body of its own', { body: async () => 'denied' }, 429],
  ['onDenied', { onDenied: (_request, reply) => void reply.code(429).send('denied') }, 429],
]

for (const [what, options, status] of STYLES) {
  test(`a denial that comes after Fastify's handlerTimeout is dropped: ${what}`, async (t) => {
    const { app, hold, reply } = await late(t, options, { handlerTimeout: 30 })
    t.equal((await app.inject('/')).statusCode, 200)
    hold()
    const { statusCode, headers } = await app.inject('/')
    t.equal(statusCode, 503)
    t.notOk(headers['retry-after'])
    reply()
    await sleep(5)
    t.equal((await app.inject('/')).statusCode, 429)
  })

  test(`a header that Node.js cannot send is no more than a ${status}, and the process goes on: ${what}`, async (t) => {
    const { app } = await late(t, options)
    // The request of a client decides what the header is.
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-tenant', (request.query as { tenant: string }).tenant)
    })
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const ask = async (tenant: string) => (await fetch(`${address}/?tenant=${tenant}`)).status
    t.equal(await ask('a'), 200)
    t.equal(await ask('a'), 429)
    t.equal(await ask('%E2%82%AC'), status)
    t.equal(await ask('a'), 429)
  })
}

test('what comes late of a store that fails is dropped, too', async (t) => {
  const { app, hold, fail } = await late(t, {}, { handlerTimeout: 30 })
  hold()
  t.equal((await app.inject('/')).statusCode, 503)
  fail()
  await sleep(5)
  t.equal((await app.inject('/')).statusCode, 200)
})

test('a header that Node.js cannot send is a 500 for a request that was held, too, and then denied', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-tenant', (request.query as { tenant: string }).tenant)
  })
  // Both decide in one hook: what the second throws comes out of the timer of the first.
  const guard = { rate: 100, per: 'second', burst: 1, wait: '10 seconds' } as const
  await app.register(rateLimit, { ...only(1), guard })
  app.get('/', ok)
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = async (tenant: string) => (await fetch(`${address}/?tenant=${tenant}`)).status
  t.equal(await ask('a'), 200)
  // The guard has one unit at once, so one of them at least is held.
  const statuses = await Promise.all(Array.from({ length: 4 }, () => ask('%E2%82%AC')))
  t.same(statuses, [500, 500, 500, 500])
  t.equal(await ask('a'), 429)
})

for (const [what, options] of [
  ['cost', { cost: () => Promise.reject() }],
  ['cost, of a list', { cost: () => Promise.reject(0) }],
  [
    'allow',
    {
      allow: () => {
        throw null
      },
    },
  ],
] as [string, RateLimitOptions][]) {
  test(`a function that throws nothing fails the request all the same: ${what}`, async (t) => {
    const app = await limited({ ...only(1), ...options, limiters: { other: only(9) } })
    const rateLimit = what.endsWith('list') ? (['default', 'other'] as const) : ('default' as const)
    app.get('/', { config: { rateLimit } }, ok)
    const names = what.endsWith('list') ? 'default, other' : 'default'
    for (let i = 0; i < 2; i++)
      t.match((await app.inject('/')).json(), {
        statusCode: 500,
        code: 'FST_FLOODGATE_FUNCTION',
        message: RegExp(
          `^a function of the limiter ${names} threw or rejected with (undefined|0|null); allowed`,
        ),
      })
  })
}

test('an onDenied that writes to the socket itself has replied', async (t) => {
  const { app } = await late(t, {
    onDenied: (_request, reply) => {
      reply.raw.writeHead(429, { 'content-type': 'text/plain' })
      reply.raw.write('wait ')
      setTimeout(() => reply.raw.end('a little'), 5)
    },
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  await fetch(address)
  const denied = await fetch(address)
  t.same([denied.status, await denied.text()], [429, 'wait a little'])
})

test('a handler of hook() that gets no callback says where it may stand', async (t) => {
  const app = await limited(only(9))
  const handler = app.rateLimit.hook('default')
  app.get('/parsing', { preParsing: handler as never }, ok)
  app.get(
    '/awaited',
    async (request, reply) => await (handler as unknown as (...args: unknown[]) => unknown)(request, reply),
  )
  for (const url of ['/parsing', '/awaited'])
    t.match((await app.inject(url)).json(), {
      code: 'FST_FLOODGATE_HOOK',
      message: /onRequest, preValidation/,
    })
})

test('a wait counts in handlerTimeout, and the units of a request that is answered meanwhile come back', async (t) => {
  const policy = { rate: 60, per: 'minute', burst: 1, wait: '50 seconds' } as const
  const app = await limited(policy, { handlerTimeout: 30 })
  t.teardown(() => app.close())
  app.get('/', ok)
  const limiter = app.rateLimit.get('default')
  t.equal((await app.inject('/')).statusCode, 200)
  const next = limiter.peek(CLIENT)
  t.match(next, { allowed: true, delay: 1000 })
  t.equal((await app.inject('/')).statusCode, 503)
  while (app.rateLimit.stats().waiting > 0) await sleep(1)
  t.same(limiter.peek(CLIENT), next)
})
