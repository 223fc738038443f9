import Fastify, { type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { codes, emitted } from './support.js'

const FORWARDED = { 'x-forwarded-for': '198.51.100.7' }

async function requests(t: Test, options: RateLimitOptions = {}, server: FastifyServerOptions = {}) {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(rateLimit, options)
  app.get('/', () => 'ok')
  app.get('/health', { config: { rateLimit: false } }, () => 'ok')
  return (url: string, headers: Record<string, string>) => app.inject({ url, headers })
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
