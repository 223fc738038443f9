import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ipKey } from '../../../lib/plugin/config/ip.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const KEYS: [string, string | undefined, number, string][] = [
  ['IPv4 is its own key', '192.0.2.1', 64, '192.0.2.1'],
  ['IPv4 loses the port that a proxy wrote', '192.0.2.1:443', 64, '192.0.2.1'],
  ['IPv6 is its /64', '2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
  ['IPv6 loses brackets and port', '[2001:db8:1:2:3:4:5:6]:443', 64, '2001:db8:1:2::/64'],
  ['IPv6 loses brackets alone', '[2001:db8:1:2:3:4:5:6]', 64, '2001:db8:1:2::/64'],
  ['upper case and leading zeros are the same address', '2001:0DB8:0001:0002::F', 64, '2001:db8:1:2::/64'],
  ['the loopback is a network like others', '::1', 64, '::/64'],
  ['a zone id is no part of the network', 'fe80::1%eth0', 64, 'fe80::/64'],
  ['IPv4-mapped is IPv4', '::ffff:192.0.2.1', 64, '192.0.2.1'],
  ['IPv4-mapped in hexadecimal is IPv4', '::FFFF:C000:0201', 64, '192.0.2.1'],
  ['IPv4-mapped is never masked', '::ffff:192.0.2.1', 1, '192.0.2.1'],
  ['IPv4-mapped with brackets and port is IPv4', '[::ffff:192.0.2.1]:8080', 64, '192.0.2.1'],
  ['IPv4-compatible is IPv6 like any other', '::10.0.0.1', 64, '::/64'],
  ['IPv4-compatible is not the IPv4 client, whatever the prefix', '::10.0.0.1', 128, '::a00:1/128'],
  ['IPv4-compatible in hexadecimal is IPv6', '::a00:1', 128, '::a00:1/128'],
  ['IPv4-compatible with brackets and port is IPv6', '[::10.0.0.1]:80', 128, '::a00:1/128'],
  ['NAT64 is the IPv4 client behind it', '64:ff9b::192.0.2.1', 64, '192.0.2.1'],
  ['NAT64 in hexadecimal is IPv4', '64:FF9B::c000:201', 64, '192.0.2.1'],
  ['NAT64 with brackets and port is IPv4', '[64:ff9b::c000:201]:443', 64, '192.0.2.1'],
  ['SIIT is the IPv4 client behind it', '::ffff:0:192.0.2.1', 64, '192.0.2.1'],
  ['SIIT in hexadecimal is IPv4', '::ffff:0:c000:201', 64, '192.0.2.1'],
  ['an address that only begins like NAT64 is IPv6', '64:ff9b::1:c000:201', 64, '64:ff9b::/64'],
  [
    'NAT64 of a network of its own is counted whole',
    '64:ff9b:1:2::c000:201',
    64,
    '64:ff9b:1:2::c000:201/128',
  ],
  ['the prefix after that of local NAT64 is IPv6', '64:ff9b:2::c000:201', 64, '64:ff9b:2::/64'],
  ['a prefix of 128 counts each address', '2001:db8::1', 128, '2001:db8::1/128'],
  ['a prefix of 127 counts pairs', '2001:db8::3', 127, '2001:db8::2/127'],
  ['a prefix of 56 cuts inside a group', '2001:db8:1:2ff::1', 56, '2001:db8:1:200::/56'],
  ['a prefix of 48', '2001:db8:1:2::1', 48, '2001:db8:1::/48'],
  ['a prefix of 33', '2001:db8:ffff::1', 33, '2001:db8:8000::/33'],
  ['a prefix of 1', 'ffff::1', 1, '8000::/1'],
  ['what is no address stays itself', 'unix:', 64, 'unix:'],
  ['garbage stays itself', 'not an address', 64, 'not an address'],
  ['no address at all is one unknown client', undefined, 64, 'unknown'],
  ['an empty address is the unknown client', '', 64, 'unknown'],
]

for (const [holds, ip, prefix, key] of KEYS) {
  test(`as a key ${holds}`, (t) => {
    t.equal(ipKey(ip, prefix), key)
    t.end()
  })
}

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
