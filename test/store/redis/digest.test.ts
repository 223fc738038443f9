import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { test } from 'tap'
import { digestWith } from '../../../lib/store/redis/digest.js'
import { keysOf } from '../../fixtures/redis/monitor.js'
import { limiterOf, serve, storeOf } from './one-server.js'

const SECRET = 'correct horse battery staple'
const WINDOW = { name: 'window', algorithm: 'sliding-window', rate: 5 } as const

test('with a secret a key is named by its HMAC-SHA-256, in 132 bits', async (t) => {
  const { server, client } = await serve(t)
  const limiter = limiterOf(storeOf(client, { secret: SECRET }), { name: 'bucket' }, WINDOW)
  await limiter.take('ann')
  const digest = createHmac('sha256', SECRET).update('ann').digest('base64url').slice(0, 22)
  for (const policy of ['bucket', 'window'])
    t.match(limiter.storeKey('ann', policy), new RegExp(`:${digest}$`))
  const names = [limiter.storeKey('ann', 'bucket'), limiter.storeKey('ann', 'window')]
  t.same([...(await keysOf(server)).keys()].sort(), names.sort(), 'and these are the keys that exist')
})

test('the same secret gives the same names in every process, as text or bytes, and another one gives others', (t) => {
  const same = [digestWith(SECRET), digestWith(Buffer.from(SECRET)), digestWith(SECRET)]
  t.equal(new Set(same.map((digest) => digest('ann'))).size, 1)
  const others = [undefined, SECRET, `${SECRET}!`, SECRET.toUpperCase()].map(digestWith)
  t.equal(new Set(others.map((digest) => digest('ann'))).size, others.length)
  t.end()
})

test('processes with one secret share their limits, and one with another secret starts with fresh keys', async (t) => {
  const { client } = await serve(t)
  const [one, two, other] = [SECRET, Buffer.from(SECRET), `${SECRET}!`].map((secret) =>
    limiterOf(storeOf(client, { prefix: 'rotated', secret }), { rate: 1, per: 'day', burst: 2 }),
  )
  t.match(await one.take('ann', { cost: 2 }), { allowed: true })
  t.match(await two.take('ann'), { allowed: false })
  t.match(await other.take('ann', { cost: 2 }), { allowed: true })
})

test('a Buffer that is cleared after the store was made changes no name', (t) => {
  const secret = Buffer.from(SECRET)
  const digest = digestWith(secret)
  const before = digest('ann')
  secret.fill(0)
  t.equal(digest('ann'), before)
  t.end()
})

test('keys that UTF-8 cannot tell apart are told apart under a secret as well', (t) => {
  const digest = digestWith(SECRET)
  const keys = [
    '\ud800',
    '\udc00',
    '\ufffd',
    '\ud800\ud800',
    '\udc00\ud800',
    '\ud800\udc00',
    'x',
    'ä',
    'y'.repeat(10_000),
  ]
  const digests = keys.map(digest)
  t.equal(new Set(digests).size, keys.length)
  for (const [i, text] of digests.entries())
    t.match(text, keys[i].isWellFormed() ? /^[\w-]{22}$/ : /^[\w-]{22}~$/)
  t.end()
})

test('neither key nor secret is in Redis in clear text, nor in what a store shows of itself', async (t) => {
  const { server, client } = await serve(t)
  const store = storeOf(client, { secret: SECRET })
  const limiter = limiterOf(store, { name: 'bucket' }, WINDOW)
  await limiter.take('ann@example.com')
  const names = [...(await keysOf(server)).keys()]
  t.equal(names.length, 2)
  for (const name of names)
    t.notMatch(`${name} ${await server.bytes('GET', name)}`, /ann@example|correct horse/)
  t.notOk(inspect(store, { depth: 5, showHidden: true }).includes('correct horse'))
})
