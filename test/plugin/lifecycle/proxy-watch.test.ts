import Fastify, { type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, emitted } from '../support/warnings.js'

const FORWARDED = { 'x-forwarded-for': '198.51.100.7' }

async function requests(t: Test, options: RateLimitOptions = {}, server: FastifyServerOptions = {}) {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(rateLimit, options)
  app.get('/', () => 'ok')
  app.get('/health', { config: { rateLimit: false } }, () => 'ok')
  return (url: string, headers: Record<string, string>, remoteAddress?: string) =>
    app.inject({ url, headers, remoteAddress })
}

test('W001: X-Forwarded-For while trustProxy is off warns once, without the address', async (t) => {
  const list = emitted(t)
  const ask = await requests(t)
  await ask('/', {})
  await ask('/health', FORWARDED)
  t.same(codes(list), [], 'neither a request without it nor one that nobody counts')
  for (let i = 0; i < 3; i++) await ask('/', FORWARDED)
  t.same(codes(list), ['W001'])
  t.notMatch(list[0].message, '198.51.100.7')
})

test('W001: an empty X-Forwarded-For names no client', async (t) => {
  const list = emitted(t)
  const ask = await requests(t)
  await ask('/', { 'x-forwarded-for': '' })
  t.same(codes(list), [])
  await ask('/', FORWARDED)
  t.same(codes(list), ['W001'])
})

test('W001 can be switched off', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, { warnings: { FST_FLOODGATE_W001: false } })
  await ask('/', FORWARDED)
  t.same(codes(list), [])
})

for (const header of [' ', ',', ' , ']) {
  test(`W001: an X-Forwarded-For of '${header}' names no client`, async (t) => {
    const list = emitted(t)
    const ask = await requests(t)
    await ask('/', { 'x-forwarded-for': header })
    t.same(codes(list), [])
  })
}

/** @fastify/aws-lambda passes the client's address as the peer's, and the header as the gateway wrote it. */
const GATEWAYS: Record<string, string> = {
  'an HTTP API, behind what the client sent': '192.0.2.66, 198.51.100.7',
  'a REST API, before the edge': '198.51.100.7, 192.0.2.1',
  'a REST API alone': '198.51.100.7',
}
for (const [gateway, header] of Object.entries(GATEWAYS)) {
  test(`W001: no warning where the peer is the client that the header names: ${gateway}`, async (t) => {
    const list = emitted(t)
    const ask = await requests(t)
    await ask('/', { 'x-forwarded-for': header }, '198.51.100.7')
    t.same(codes(list), [])
    await ask('/', { 'x-forwarded-for': header }, '203.0.113.9')
    t.same(codes(list), ['W001'], 'but where it is another')
  })
}

test('W010: trustProxy true warns at ready, once', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, {}, { trustProxy: true })
  for (let i = 0; i < 3; i++) await ask('/', FORWARDED)
  t.same(codes(list), ['W010'])
})

test('W010 comes from a scope, too, and can be switched off', async (t) => {
  for (const [options, expected] of [
    [{}, ['W010']],
    [{ warnings: { FST_FLOODGATE_W010: false } }, []],
  ] as const) {
    await t.test(JSON.stringify(options), async (t) => {
      const list = emitted(t)
      const app = Fastify({ trustProxy: true })
      t.teardown(() => app.close())
      await app.register(async (scope) => void (await scope.register(rateLimit, options)))
      await app.ready()
      t.same(codes(list), expected)
    })
  }
})

test('W011: X-Forwarded-For from a peer that is not trusted warns at the first such request, without an address', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, {}, { trustProxy: ['10.0.0.0/8'] })
  await ask('/', {}, '203.0.113.9')
  await ask('/', FORWARDED, '10.1.2.3')
  t.same(codes(list), [], 'neither a request without it nor one from a proxy')
  for (let i = 0; i < 3; i++) await ask('/', FORWARDED, '203.0.113.9')
  t.same(codes(list), ['W011'])
  t.notMatch(list[0].message, /198\.51|203\.0/)
})

test('W011 is emitted for a function that trusts no peer', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, {}, { trustProxy: () => false })
  await ask('/', FORWARDED)
  t.same(codes(list), ['W011'])
})

test('W011 can be switched off', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, { warnings: { FST_FLOODGATE_W011: false } }, { trustProxy: '10.0.0.1' })
  await ask('/', FORWARDED)
  t.same(codes(list), [])
})

test('after 100 requests through a trusted proxy the header is read no more', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, { rate: 1000, burst: 1000 }, { trustProxy: ['10.0.0.0/8'] })
  for (let i = 0; i < 100; i++) await ask('/', FORWARDED, '10.1.2.3')
  await ask('/', FORWARDED, '203.0.113.9')
  t.same(codes(list), [])
})

test('where none of these warnings is wanted, the header is not looked for', async (t) => {
  const list = emitted(t)
  const ask = await requests(t, { warnings: false })
  await ask('/', FORWARDED)
  t.same(codes(list), [])
})

test('once a request with X-Forwarded-For was seen, the header is not looked for any more', async (t) => {
  let reads = 0
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => {
    Object.defineProperty(request.raw.headers, 'x-forwarded-for', {
      get: () => {
        reads++
        return '198.51.100.7'
      },
    })
  })
  await app.register(rateLimit)
  app.get('/', () => 'ok')
  emitted(t)
  for (let i = 0; i < 5; i++) await app.inject('/')
  t.equal(reads, 1)
})
