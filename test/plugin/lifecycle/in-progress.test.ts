import { once } from 'node:events'
import http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { type Test, test } from 'tap'
import { WebSocket } from 'ws'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { ask, CLIENT, left, limited, ok } from '../support/app.js'

const TWO: RateLimitOptions = { algorithm: 'concurrency', limit: 2, hold: '1 minute' }

/** Handlers that reply when they are told to. */
function gate() {
  const open: (() => void)[] = []
  return {
    waiting: () => open.length,
    handler: () => new Promise<string>((resolve) => void open.push(() => resolve('ok'))),
    release: () => open.shift()?.(),
  }
}

/** Waits until a condition holds; the test's own timeout ends it otherwise. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(1)
}

async function listening(t: Test, options: RateLimitOptions, server = {}): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true, ...server })
  t.teardown(() => app.close())
  await app.register(rateLimit, { store: memoryStore({ clock: new ManualClock() }), ...options })
  return app
}

const portOf = (app: FastifyInstance) => (app.server.address() as AddressInfo).port

test('at most `limit` requests are in progress, and each gives its unit back when it ends', async (t) => {
  const app = await limited(TWO)
  const { handler, release, waiting } = gate()
  app.get('/', handler)
  const first = app.inject('/')
  const second = app.inject('/')
  await until(() => waiting() === 2)
  const denied = await app.inject('/')
  t.equal(denied.statusCode, 429)
  t.match(denied.headers, {
    'retry-after': '1',
    'x-ratelimit-limit': '2',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': '1',
  })
  t.equal(denied.json().message, 'Too many requests in progress, retry in 1 second')
  release()
  t.equal((await first).headers['x-ratelimit-remaining'], '1')
  t.equal(left(app), 1)
  release()
  await second
  t.equal(left(app), 2)
})

const ENDS: [what: string, handler: (reply: FastifyReply) => unknown, status: number][] = [
  ['a reply', () => 'ok', 200],
  ['a reply without a body', (reply) => reply.code(204).send(), 204],
  [
    'an error',
    () => {
      throw new Error('no')
    },
    500,
  ],
  [
    'a hijacked reply',
    (reply) => {
      reply.hijack()
      reply.raw.end('mine')
    },
    200,
  ],
]

for (const [what, handle, status] of ENDS) {
  test(`${what} gives a unit back`, async (t) => {
    const app = await limited(TWO)
    app.get('/', async (_request, reply) => handle(reply))
    for (let i = 0; i < 3; i++) t.equal((await app.inject('/')).statusCode, status)
    t.equal(left(app), 2)
  })
}

test('a denial by another limiter gives a unit back at once, and once', async (t) => {
  const app = await limited({
    ...TWO,
    limiters: { late: { algorithm: 'token-bucket', rate: 1, per: 'hour', key: () => 'all' } },
  })
  app.get('/', { config: { rateLimit: ['default', 'late'] } }, ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  t.equal(left(app), 2)
})

test('a client that leaves gives its unit back, also if the handler never replies', async (t) => {
  const app = await listening(t, TWO)
  app.get('/', () => new Promise(() => {}))
  await app.listen({ host: CLIENT, port: 0 })
  const socket = connect(portOf(app), CLIENT)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await until(() => left(app) === 1)
  socket.destroy()
  await until(() => left(app) === 2)
  t.pass('given back')
})

test('requests that a client sent at once give their units back when it leaves before the first is answered', async (t) => {
  const warnings: string[] = []
  const listener = ({ name }: Error) => warnings.push(name)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const app = await listening(t, { rateLimit: false, limiters: { busy: { ...TWO, limit: 20 } } })
  app.get('/never', () => new Promise(() => {}))
  app.get('/busy', { config: { rateLimit: 'busy' } }, ok)
  await app.listen({ host: CLIENT, port: 0 })
  const socket = connect(portOf(app), CLIENT)
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`
  socket.write(request('/never') + request('/busy').repeat(15))
  await until(() => left(app, 'busy') === 5)
  socket.destroy()
  await until(() => left(app, 'busy') === 20)
  t.same(warnings, [], 'one listener is enough for all of them')
})

test('requests that a client sent at once give their units back as they are answered', async (t) => {
  const app = await listening(t, TWO)
  const { handler, release, waiting } = gate()
  app.get('/', handler)
  await app.listen({ host: CLIENT, port: 0 })
  const socket = connect(portOf(app), CLIENT)
  t.teardown(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2))
  await until(() => waiting() === 2)
  for (const expected of [1, 2]) {
    release()
    await until(() => left(app) === expected)
  }
  socket.destroy()
  await sleep(20)
  t.equal(left(app), 2)
})

test('an event stream holds its unit until it ends', async (t) => {
  const app = await listening(t, TWO)
  app.get('/', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write('data: 1\n\n')
  })
  await app.listen({ host: CLIENT, port: 0 })
  const abort = new AbortController()
  const response = await fetch(`http://${CLIENT}:${portOf(app)}/`, { signal: abort.signal })
  await response.body?.getReader().read()
  t.equal(left(app), 1)
  abort.abort()
  await until(() => left(app) === 2)
})

test('a WebSocket holds its unit until the connection is closed', async (t) => {
  const app = await listening(t, TWO)
  await app.register(websocket)
  app.get('/', { websocket: true }, (socket) => {
    socket.on('message', () => socket.send('pong'))
  })
  await app.listen({ host: CLIENT, port: 0 })
  const open = async () => {
    const socket = new WebSocket(`ws://${CLIENT}:${portOf(app)}/`)
    await once(socket, 'open')
    socket.send('ping')
    await once(socket, 'message')
    return socket
  }
  const [first, second] = [await open(), await open()]
  t.equal(left(app), 0)
  const third = new WebSocket(`ws://${CLIENT}:${portOf(app)}/`)
  const [error] = await once(third, 'error')
  t.match(error.message, '429')
  first.close()
  await until(() => left(app) === 1)
  second.terminate()
  await until(() => left(app) === 2)
})

test('a reset of an HTTP/2 stream gives its unit back', async (t) => {
  const app = await listening(t, TWO, { http2: true })
  app.get('/', () => new Promise(() => {}))
  await app.listen({ host: CLIENT, port: 0 })
  const session = http2.connect(`http://${CLIENT}:${portOf(app)}`)
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/' })
  stream.on('error', () => {})
  await until(() => left(app) === 1)
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await until(() => left(app) === 2)
})

test('a request that lasts longer than `hold` keeps its unit, and gives it back once', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  let renewals = 0
  const renew = store.renew.bind(store)
  Object.assign(store, {
    renew: (...args: Parameters<typeof renew>) => {
      renewals++
      return renew(...args)
    },
  })
  await app.register(rateLimit, { ...TWO, hold: 100, store })
  const { handler, release, waiting } = gate()
  app.get('/', handler)
  const [first, second] = [app.inject('/'), app.inject('/')]
  await until(() => waiting() === 2)
  // Time goes on as soon as both were renewed, however late the timers of a busy machine are.
  for (let passed = 0; passed < 350; passed += 50) {
    const before = renewals
    clock.advance(50)
    await until(() => renewals >= before + 2)
  }
  t.equal((await app.inject('/')).statusCode, 429)
  release()
  release()
  await Promise.all([first, second])
  t.equal(left(app), 2)
})

test("with status 503 a limit for 'global' sheds load", async (t) => {
  const options: RateLimitOptions = { algorithm: 'concurrency', limit: 1, key: 'global', status: 503 }
  for (const body of ['fastify', 'problem'] as const) {
    const app = await limited({ ...options, body, headers: ['draft-11'] })
    const { handler, release, waiting } = gate()
    app.get('/', handler)
    const first = app.inject('/')
    await until(() => waiting() === 1)
    const denied = await app.inject('/')
    t.equal(denied.statusCode, 503)
    t.match(denied.headers, {
      'retry-after': '1',
      'cache-control': 'no-store',
      'ratelimit-policy': '"default";q=1;qu="concurrent-requests"',
      ratelimit: '"default";r=0',
    })
    t.match(
      denied.json(),
      body === 'fastify'
        ? { statusCode: 503, error: 'Service Unavailable', code: 'FST_FLOODGATE_DENIED' }
        : { status: 503, type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity' },
    )
    release()
    t.equal((await first).headers.ratelimit, '"default";r=0')
  }
})

test('take() and refund() of a request leave units in progress alone', async (t) => {
  const app = await limited(TWO)
  app.get('/', async (request) => {
    await request.rateLimit?.take(5)
    await request.rateLimit?.refund()
    return left(app)
  })
  t.equal((await app.inject('/')).body, '1')
  t.equal(left(app), 2)
})
