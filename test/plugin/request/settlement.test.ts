import http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type ChargeRule } from '../../../lib/index.js'
import { ask, CLIENT, frozenStore, left, limited, only } from '../support/app.js'

test("with `charge: 'failed'` only failures are charged in the end", async (t) => {
  const app = await limited({ ...only(3), charge: 'failed' })
  app.get('/ok', async () => 'ok')
  app.get('/wrong', async (_request, reply) => reply.code(401).send('wrong'))
  t.same(await ask(app, 'GET /ok', 'GET /ok', 'GET /wrong', 'GET /ok'), ['200 2', '200 2', '401 2', '200 1'])
  t.equal(left(app), 2)
})

test("with `charge: 'succeeded'` failures are free", async (t) => {
  const app = await limited({ ...only(3), charge: 'succeeded' })
  app.get('/ok', async () => 'ok')
  app.get('/wrong', async () => {
    throw new Error('wrong')
  })
  t.same(await ask(app, 'GET /ok', 'GET /wrong', 'GET /wrong'), ['200 2', '500 1', '500 1'])
  t.equal(left(app), 2)
})

test('parallel guesses are charged before any of them is judged', async (t) => {
  const app = await limited({ ...only(5), charge: 'failed' })
  app.post('/', async (_request, reply) => reply.code(401).send('wrong'))
  const replies = await Promise.all(
    Array.from({ length: 1000 }, () => app.inject({ method: 'POST', url: '/' })),
  )
  t.equal(replies.filter(({ statusCode }) => statusCode === 401).length, 5)
})

for (const [what, units, charged] of [
  ['the units', 3, 3],
  ['a promise of the units', Promise.resolve(3), 3],
  ['nothing', 0, 0],
  ['more than was reserved', 99, 10],
] as const) {
  test(`a function that returns ${what} says what a request is charged in the end`, async (t) => {
    const app = await limited({
      ...only(10),
      cost: 10,
      charge: (_request, reply) => (reply.statusCode === 200 ? units : 0),
    })
    app.get('/', async () => 'ok')
    await app.inject('/')
    await sleep(1)
    t.equal(left(app), 10 - charged)
  })
}

const FAULTY: Record<string, ChargeRule> = {
  throws: () => {
    throw new Error('no')
  },
  rejects: async () => Promise.reject(new Error('no')),
  'returns no units': () => 'many' as never,
  'returns a promise of no units': async () => -1,
}

for (const [what, charge] of Object.entries(FAULTY)) {
  test(`a function that ${what} leaves the charge as it is, and is logged`, async (t) => {
    const lines: string[] = []
    const logger = { level: 'error', stream: { write: (line: string) => void lines.push(line) } }
    const app = await limited({ ...only(2), charge }, { logger })
    app.get('/', async () => 'ok')
    t.same(await ask(app, 'GET /'), ['200 1'])
    await sleep(1)
    t.equal(left(app), 1)
    t.match(lines.join(''), 'charge failed')
  })
}

test('what take() added is settled as well, and what was given back is not given back twice', async (t) => {
  const app = await limited({ ...only(10), charge: 'failed' })
  app.get('/', async (request) => {
    await request.rateLimit?.take(4)
    await request.rateLimit?.refund(2)
    return 'ok'
  })
  t.same(await ask(app, 'GET /'), ['200 7'])
  t.equal(left(app), 10)
})

test('a response that is aborted stays charged', async (t) => {
  const app = await limited({ ...only(3), charge: 'failed' }, { forceCloseConnections: true })
  t.teardown(() => app.close())
  app.get('/', () => new Promise(() => {}))
  await app.listen({ host: CLIENT, port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  while (left(app) === 3) await sleep(1)
  let closed = false
  app.server.on('connection', () => {})
  socket.on('close', () => {
    closed = true
  })
  socket.destroy()
  while (!closed) await sleep(1)
  await sleep(5)
  t.equal(left(app), 2)
})

test('over HTTP/2 a complete response is settled, and one that was reset stays charged', async (t) => {
  const app = Fastify({ http2: true, forceCloseConnections: true } as object)
  t.teardown(() => app.close())
  await app.register(rateLimit, { ...only(3), charge: 'failed', store: frozenStore() })
  app.get('/', async () => 'ok')
  app.get('/never', () => new Promise(() => {}))
  await app.listen({ host: CLIENT, port: 0 })
  const session = http2.connect(`http://${CLIENT}:${(app.server.address() as AddressInfo).port}`)
  t.teardown(() => session.destroy())
  const ask = (path: string) => session.request({ ':path': path }).on('error', () => {})
  ask('/').resume()
  while (app.rateLimit.stats().limiters.default.policies.default.units < 1 || left(app) < 3) await sleep(1)
  const stream = ask('/never')
  while (left(app) === 3) await sleep(1)
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await sleep(20)
  t.equal(left(app), 2)
})

test('a client that left before it was charged gives its unit back at once', async (t) => {
  let [isThere, isGone] = [false, false]
  const app = await limited(
    {
      algorithm: 'concurrency',
      limit: 2,
      key: async () => {
        isThere = true
        while (!isGone) await sleep(1)
        return 'all'
      },
    },
    { forceCloseConnections: true },
  )
  t.teardown(() => app.close())
  app.addHook('onRequest', async (_request, reply) => {
    reply.raw.on('close', () => {
      isGone = true
    })
  })
  app.get('/', () => new Promise(() => {}))
  await app.listen({ host: CLIENT, port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  while (!isThere) await sleep(1)
  socket.destroy()
  while (app.rateLimit.stats().limiters.default.policies.default.allowed < 1) await sleep(1)
  t.equal(left(app, 'default', 'all'), 2)
})
