import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { Internals } from '../../../lib/plugin/internals.js'
import { codes, emitted } from '../support/warnings.js'

/** A number is no longer among the types of `trustProxy`; JavaScript can still give one. */
type Trust = FastifyServerOptions['trustProxy'] | number

async function forwarded(t: Test, trustProxy: Trust, options: RateLimitOptions = {}, scoped = false) {
  const list = emitted(t)
  const app = Fastify({ trustProxy: trustProxy as boolean })
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    await (scoped ? scope : app).register(rateLimit, options)
    scope.get('/', () => 'ok')
  })
  await app.inject('/')
  t.same(codes(list), [], 'nothing came through a proxy')
  const headers = { 'x-forwarded-for': '198.51.100.7' }
  for (let i = 0; i < 3; i++) await app.inject({ url: '/', headers, remoteAddress: '203.0.113.9' })
  return list
}

for (const scoped of [false, true]) {
  const where = scoped ? 'a scope' : 'the root'
  test(`W004: X-Forwarded-For under a numeric trustProxy warns once, registered in ${where}`, async (t) => {
    const list = await forwarded(t, 1, {}, scoped)
    t.same(codes(list), ['W004'])
    t.notMatch(list[0].message, /198\.51\.100\.7|203\.0\.113\.9/)
  })
}

const SOUND: [string, Trust][] = [
  ['a list with the peer', ['203.0.113.9']],
  ['a string with the peer', '10.0.0.0/8, 203.0.113.0/24'],
  ['a function that trusts everybody', () => true],
]
for (const [what, trustProxy] of SOUND) {
  test(`no warning with trustProxy ${what}`, async (t) => {
    t.same(codes(await forwarded(t, trustProxy)), [])
  })
}

test('W004: 0 is off, which is what W001 says', async (t) => {
  t.same(codes(await forwarded(t, 0)), ['W001'])
})

test('W001 and W004 can each be switched off and leave the other', async (t) => {
  const but = (n: number) => ({ warnings: { [`FST_FLOODGATE_W00${n}`]: false } })
  for (const [trustProxy, off, expected] of [
    [1, 4, []],
    [1, 1, ['W004']],
    [false, 1, []],
    [false, 4, ['W001']],
  ] as const) {
    await t.test(`trustProxy ${trustProxy}, W00${off} off`, async (t) => {
      t.same(codes(await forwarded(t, trustProxy, but(off))), expected)
    })
  }
})

test('W004: no warning where Fastify follows the number: the request has more addresses than its peer', async (t) => {
  const list = emitted(t)
  const app = Fastify({ trustProxy: 1 as unknown as boolean })
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => {
    Object.defineProperty(request, 'ips', { value: ['203.0.113.9', '198.51.100.7'] })
  })
  await app.register(rateLimit)
  app.get('/', () => 'ok')
  await app.inject({ url: '/', headers: { 'x-forwarded-for': '198.51.100.7' } })
  t.same(codes(list), [])
})

test('where Fastify hides its options, trustProxy is not known', (t) => {
  const internals = new Internals()
  t.equal(internals.trustProxy({} as FastifyInstance), undefined)
  const renamed = { [Symbol('fastify.options')]: undefined } as unknown as FastifyInstance
  t.equal(internals.trustProxy(renamed), undefined)
  t.end()
})
