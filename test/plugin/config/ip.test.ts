import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

/** An app that answers with the key it counted, one request a key. */
async function counting(t: Test, server: FastifyServerOptions = {}, options: RateLimitOptions = {}) {
  const app = Fastify(server)
  t.teardown(() => app.close())
  const store = memoryStore({ clock: new ManualClock() })
  await app.register(rateLimit, { rate: 1, per: 'hour', store, ...options })
  app.get('/', (request) => request.rateLimit?.key)
  return app
}

function codesOfWarnings(t: Test): string[] {
  const codes: string[] = []
  const listen = (warning: Error & { code?: string }) => codes.push(warning.code ?? warning.name)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  return codes
}

test('all addresses of one IPv6 network share a bucket, the next network has its own', async (t) => {
  const app = await counting(t)
  const status = async (remoteAddress: string) => (await app.inject({ url: '/', remoteAddress })).statusCode
  t.equal(await status('2001:db8:0:1::1'), 200)
  t.equal(await status('2001:db8:0:1:ffff:ffff:ffff:ffff'), 429)
  t.equal(await status('2001:db8:0:2::1'), 200)
})

test('`ipv6Prefix` says how much of an IPv6 address counts, for limiters and guard', async (t) => {
  const app = await counting(t, {}, { ipv6Prefix: 48, rate: 100, guard: { rate: 1, per: 'hour' } })
  const first = await app.inject({ url: '/', remoteAddress: '2001:db8:0:1::1' })
  t.equal(first.body, '2001:db8::/48')
  const second = await app.inject({ url: '/', remoteAddress: '2001:db8:0:2::1' })
  t.equal(second.statusCode, 429)
})

test('a client is the same over IPv4 and over IPv4-mapped IPv6', async (t) => {
  const app = await counting(t)
  t.equal((await app.inject({ url: '/', remoteAddress: '192.0.2.1' })).statusCode, 200)
  t.equal((await app.inject({ url: '/', remoteAddress: '::ffff:192.0.2.1' })).statusCode, 429)
})

test('clients of IPv4 behind one translator are counted one by one, and as over IPv4', async (t) => {
  const app = await counting(t)
  const status = async (remoteAddress: string) => (await app.inject({ url: '/', remoteAddress })).statusCode
  t.equal(await status('64:ff9b::192.0.2.1'), 200)
  t.equal(await status('64:ff9b::192.0.2.2'), 200)
  t.equal(await status('::ffff:0:192.0.2.1'), 429)
  t.equal(await status('192.0.2.2'), 429)
})

test('a spoofed X-Forwarded-For changes nothing while trustProxy is off, and warns once', async (t) => {
  const codes = codesOfWarnings(t)
  const app = await counting(t)
  const spoofed = (ip: string) => app.inject({ url: '/', headers: { 'x-forwarded-for': ip } })
  t.equal((await spoofed('192.0.2.1')).body, '127.0.0.1')
  t.equal((await spoofed('192.0.2.2')).statusCode, 429)
  t.equal((await spoofed('192.0.2.3')).statusCode, 429)
  t.same(codes, ['FST_FLOODGATE_W001'])
})

test('no X-Forwarded-For, no warning', async (t) => {
  const codes = codesOfWarnings(t)
  const app = await counting(t)
  await app.inject('/')
  t.same(codes, [])
})

test('with trustProxy true the client is the one that X-Forwarded-For begins with', async (t) => {
  const codes = codesOfWarnings(t)
  const app = await counting(t, { trustProxy: true })
  const key = async (forwarded: string) =>
    (await app.inject({ url: '/', headers: { 'x-forwarded-for': forwarded } })).body
  t.equal(await key('192.0.2.1, 10.0.0.1'), '192.0.2.1')
  t.equal(await key('192.0.2.2:50123, 10.0.0.1'), '192.0.2.2')
  t.equal(await key('[2001:DB8::1]:50123'), '2001:db8::/64')
  t.equal(await key('<script>'), '<script>')
  t.same(codes, ['FST_FLOODGATE_W010'])
})

test('with a list of proxies X-Forwarded-For counts only when it comes from one of them', async (t) => {
  const app = await counting(t, { trustProxy: ['10.0.0.0/8'] })
  const key = async (remoteAddress: string) =>
    (await app.inject({ url: '/', remoteAddress, headers: { 'x-forwarded-for': '198.51.100.7, 192.0.2.1' } }))
      .body
  t.equal(await key('10.1.2.3'), '192.0.2.1')
  t.equal(await key('203.0.113.9'), '203.0.113.9')
})

test('a number as trustProxy trusts nobody: who is counted is the peer', async (t) => {
  // The types of Fastify 5.12 no longer offer it; JavaScript still can.
  const app = await counting(t, { trustProxy: 1 as unknown as boolean })
  const spoofed = (ip: string) => app.inject({ url: '/', headers: { 'x-forwarded-for': ip } })
  t.equal((await spoofed('192.0.2.1')).body, '127.0.0.1')
  t.equal((await spoofed('192.0.2.2')).statusCode, 429)
})

test('clients of a Unix socket have no address and are limited as one', async (t) => {
  const app = await counting(t)
  const folder = await mkdtemp(join(tmpdir(), 'floodgate-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'socket')
  await app.listen({ path: socketPath })
  const status = () =>
    new Promise((resolve, reject) => {
      request({ socketPath, agent: false }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
  t.equal(await status(), 200)
  t.equal(await status(), 429)
})
