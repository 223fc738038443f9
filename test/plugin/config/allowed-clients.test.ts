import Fastify, { type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type AllowList, memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { AllowedClients } from '../../../lib/plugin/config/allowed-clients.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const LISTED: [string, string[], string][] = [
  ['an address', ['192.0.2.1'], '192.0.2.1'],
  ['an address with the port that a proxy wrote', ['192.0.2.1'], '192.0.2.1:443'],
  ['an address of a CIDR block', ['10.0.0.0/8'], '10.255.255.255'],
  ['an address of a block whose base has host bits', ['10.1.2.3/8'], '10.9.9.9'],
  ['the first and only address of a /32', ['192.0.2.1/32'], '192.0.2.1'],
  ['any IPv4 address with /0', ['0.0.0.0/0'], '203.0.113.9'],
  ['an IPv4-mapped client of an IPv4 block', ['10.0.0.0/8'], '::ffff:10.1.2.3'],
  ['an IPv4-mapped client in hexadecimal', ['10.0.0.0/8'], '::FFFF:0A01:0203'],
  ['an IPv4 client of an IPv4-mapped block', ['::ffff:10.0.0.0/104'], '10.1.2.3'],
  ['an IPv4-mapped client of an IPv4-mapped block', ['::ffff:10.0.0.0/104'], '::ffff:10.1.2.3'],
  ['the IPv6 loopback, although its key is a network', ['::1'], '::1'],
  ['the IPv6 loopback with brackets and port', ['::1'], '[::1]:50123'],
  ['an address of an IPv6 block', ['2001:DB8::/32'], '2001:db8:ffff::1'],
  ['a link-local client with a zone id', ['fe80::/10'], 'fe80::1%eth0'],
  ['a NAT64 client of an IPv4 block', ['10.0.0.0/8'], '64:ff9b::10.1.2.3'],
  ['a SIIT client of an IPv4 block', ['10.0.0.0/8'], '::ffff:0:10.1.2.3'],
  ['a NAT64 client of an IPv4-mapped block', ['::ffff:10.0.0.0/104'], '64:ff9b::a01:203'],
  ['an IPv4-compatible client of an IPv4-compatible block', ['::10.0.0.0/104'], '::10.1.2.3'],
  ['a client of a local NAT64 block', ['64:ff9b:1::/48'], '64:ff9b:1::10.1.2.3'],
  ['one of several', ['10.0.0.0/8', '::1', '192.0.2.1'], '::1'],
]

const NOT_LISTED: [string, string[], string | undefined][] = [
  ['a neighbour', ['192.0.2.1'], '192.0.2.2'],
  ['an address past the end of a block', ['10.0.0.0/8'], '11.0.0.0'],
  ['a neighbour in the /64 of a listed address', ['::1'], '::2'],
  ['an IPv6 address past the end of a block', ['2001:db8::/32'], '2001:db9::1'],
  ['an IPv6 client of an IPv4 list', ['0.0.0.0/0'], '2001:db8::1'],
  ['an IPv4-compatible client of an IPv4 block', ['10.0.0.0/8'], '::10.0.0.1'],
  ['an IPv4-compatible client in hexadecimal', ['10.0.0.0/8'], '::a00:1'],
  ['an IPv4 client of an IPv4-compatible block', ['::10.0.0.0/104'], '10.0.0.1'],
  ['an IPv4 client of the /64 that is the key of ::1', ['::1/64'], '10.0.0.1'],
  ['an IPv4-mapped client of all IPv6', ['::/0'], '::ffff:10.0.0.1'],
  ['a NAT64 client of all IPv6', ['::/0'], '64:ff9b::10.0.0.1'],
  ['a NAT64 client of another IPv4 block', ['10.0.0.0/8'], '64:ff9b::11.0.0.1'],
  ['an IPv6 address that a parser may read and Node.js does not', ['10.0.0.0/8'], '1::0x10.1.1.1'],
  ['an address that begins like a listed one', ['10.0.0.1'], '10.0.0.10'],
  ['a client without address', ['0.0.0.0/0', '::/0'], undefined],
  ['garbage', ['0.0.0.0/0', '::/0'], 'garbage'],
  ['garbage with colons', ['0.0.0.0/0', '::/0'], 'a:b:c'],
  ['garbage with a dot and a port', ['0.0.0.0/0', '::/0'], '1.2:80'],
  ['an IPv4 address with leading zeros, which is not one', ['0.0.0.0/0'], '010.0.0.1'],
  ['anybody, by an empty list', [], '127.0.0.1'],
]

for (const [who, list, ip] of LISTED) {
  test(`[${list}] allows ${who}`, (t) => {
    t.equal(new AllowedClients(list).hasAddressOf({ ip } as FastifyRequest), true)
    t.end()
  })
}
for (const [who, list, ip] of NOT_LISTED) {
  test(`[${list}] does not allow ${who}`, (t) => {
    t.equal(new AllowedClients(list).hasAddressOf({ ip } as FastifyRequest), false)
    t.end()
  })
}

const REFUSED: [string, unknown, RegExp][] = [
  ['a prefix longer than IPv4', ['10.0.0.0/33'], /'10\.0\.0\.0\/33'/],
  ['a prefix longer than IPv6', ['::1/129'], /'::1\/129'/],
  ['an empty prefix', ['10.0.0.0/'], /'10\.0\.0\.0\/'/],
  ['a prefix that is no number', ['10.0.0.0/x'], /'10\.0\.0\.0\/x'/],
  ['a negative prefix', ['10.0.0.0/-1'], /'10\.0\.0\.0\/-1'/],
  ['a netmask', ['10.0.0.0/255.0.0.0'], /255\.0\.0\.0/],
  ['two prefixes', ['10.0.0.0/8/8'], /'10\.0\.0\.0\/8\/8'/],
  ['a prefix alone', ['/8'], /'\/8'/],
  ['three groups', ['10.0.0/8'], /'10\.0\.0\/8'/],
  ['a range', ['10.0.0.1-10.0.0.9'], /10\.0\.0\.1-/],
  ['a host name', ['localhost'], /'localhost'/],
  ['an empty entry', [''], /''/],
  ['the second entry, if that is the bad one', ['::1', '1.2.3'], /'1\.2\.3'/],
  ['a zone id, since a list of addresses cannot honour it', ['fe80::1%eth0/64'], /fe80::1%eth0/],
  ['a NAT64 block, which is IPv4', ['64:ff9b::/96'], /'64:ff9b::\/96'.*SIIT as IPv4$/],
  ['a SIIT address', ['::ffff:0:10.0.0.1'], /'::ffff:0:10\.0\.0\.1'.*SIIT as IPv4$/],
  ['a number', [167772161], /167772161/],
  ['null in the list', [null], /null/],
  ['one string', '10.0.0.0/8', /'10\.0\.0\.0\/8'/],
  ['null', null, /null/],
  ['true', true, /true/],
  ['an object', {}, /an object/],
]

for (const [what, allow, message] of REFUSED) {
  test(`the option \`allow\` refuses ${what}, and says what is allowed`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    const error = await app.register(rateLimit, { allow: allow as AllowList }).then(
      () => null,
      (error) => error,
    )
    t.equal(error?.code, 'FST_FLOODGATE_OPTION')
    t.match(error?.message, message)
    t.match(error?.message, /^option 'allow' is .*; allowed: a list of addresses and CIDR blocks/)
  })
}

/**
 * An app with a guard, a limiter by IP, one by user before the handler and one placed by hand: one request
 * each.
 */
async function strict(t: Test, options: RateLimitOptions) {
  const app = Fastify()
  t.teardown(() => app.close())
  const store = memoryStore({ clock: new ManualClock() })
  const keys = { user: (request: FastifyRequest) => request.headers['x-user'] as string }
  await app.register(rateLimit, { rate: 1, guard: { rate: 1 }, keys, store, ...options })
  const config = { rateLimit: ['default', { key: 'user' }, { key: 'user', hook: 'preHandler' as const }] }
  app.get('/', { config, preHandler: app.rateLimit.hook({ key: 'user' }) }, (request) => ({
    rateLimit: request.rateLimit,
  }))
  return { app, store }
}

for (const [form, allow] of [
  ['list', ['10.0.0.0/8']],
  ['function', (request: FastifyRequest) => request.ip.startsWith('10.')],
  ['async function', async (request: FastifyRequest) => request.ip.startsWith('10.')],
] as const) {
  test(`a client that the ${form} allows is never counted: not by guard, limiters, later stages or hooks`, async (t) => {
    const { app, store } = await strict(t, { allow })
    for (let i = 0; i < 3; i++) {
      const response = await app.inject({ url: '/', remoteAddress: '10.0.0.1', headers: { 'x-user': 'ann' } })
      t.equal(response.statusCode, 200)
      t.same(response.json(), { rateLimit: null })
      t.notOk('x-ratelimit-limit' in response.headers)
    }
    t.equal(store.stats().keys, 0)
    await app.inject({ url: '/', remoteAddress: '192.0.2.1', headers: { 'x-user': 'ann' } })
    const denied = await app.inject({ url: '/', remoteAddress: '192.0.2.1', headers: { 'x-user': 'ann' } })
    t.equal(denied.statusCode, 429)
  })
}

test('an allowed client may be anybody where a route chooses its limiter', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { rate: 1, allow: ['127.0.0.1'] })
  const config = { rateLimit: () => 'default' }
  app.get('/', { config }, (request) => ({ rateLimit: request.rateLimit }))
  await app.inject('/')
  const second = await app.inject('/')
  t.equal(second.statusCode, 200)
  t.same(second.json(), { rateLimit: null })
})

test('the function sees the request, the key and the name of the limiter that asks', async (t) => {
  const asked: string[] = []
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, {
    keys: { user: (request) => request.headers['x-user'] as string },
    key: 'user',
    guard: { rate: 5 },
    allow: (request, key, limiter) => {
      asked.push(`${request.url} ${key} ${limiter}`)
      return false
    },
  })
  app.get('/a', () => 'ok')
  await app.inject({ url: '/a', remoteAddress: '2001:db8::1', headers: { 'x-user': 'ann' } })
  t.same(asked, ['/a 2001:db8::/64 guard', '/a ann default'])
})

test('only `true` allows: another answer of the function, or a promise of it, allows nobody', async (t) => {
  for (const answer of [undefined, 1, 'yes', Promise.resolve(1)]) {
    const app = Fastify()
    await app.register(rateLimit, { rate: 1, allow: (() => answer) as unknown as () => boolean })
    app.get('/', () => 'ok')
    await app.inject('/')
    t.equal((await app.inject('/')).statusCode, 429)
    await app.close()
  }
})

test('a function that throws fails the request and lets nobody through', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const allow = () => {
    throw new Error('no list')
  }
  await app.register(rateLimit, { allow })
  app.get('/', () => t.fail('must not be reached'))
  const response = await app.inject('/')
  t.equal(response.statusCode, 500)
  t.match(response.json(), { message: 'no list' })
})

test('a function that rejects fails the request and lets nobody through', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { allow: async () => Promise.reject(new Error('no list')) })
  app.get('/', () => t.fail('must not be reached'))
  const response = await app.inject('/')
  t.equal(response.statusCode, 500)
  t.match(response.json(), { message: 'no list' })
})
