import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { test } from 'tap'
import { WebSocket } from 'ws'
import rateLimit, { type RateLimitOptions, type RouteRateLimit } from '../../../lib/index.js'
import { until } from '../../fixtures/redis/until.js'
import { frozenStore, left, limited, only, user } from '../support/app.js'

/** Listens, and closes with the test, whatever connections may still be open. */
async function listen(app: FastifyInstance, teardown: (close: () => Promise<void>) => void): Promise<void> {
  const sockets: Socket[] = []
  app.server.on('connection', (socket) => sockets.push(socket))
  await app.listen({ port: 0, host: '127.0.0.1' })
  teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await app.close()
  })
}

/** Asks for an upgrade: `open`, or the status that refused it and its Retry-After. */
async function upgrade(app: FastifyInstance, path = '/ws', headers = {}): Promise<string> {
  const { port } = app.server.address() as AddressInfo
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
  const [event] = await Promise.race([
    once(socket, 'open').then(() => ['open']),
    once(socket, 'unexpected-response').then(([, response]) => {
      response.resume()
      return [`${response.statusCode} ${response.headers['retry-after']}`]
    }),
  ])
  socket.on('error', () => {})
  socket.terminate()
  return event
}

const CASES: { what: string; options: RateLimitOptions; config?: RouteRateLimit }[] = [
  { what: 'the guard', options: { guard: only(1) } },
  { what: 'the default limiter', options: only(1) },
  { what: 'a policy by user', options: {}, config: { ...only(1), key: user } },
  { what: "a policy with hook: 'preValidation'", options: {}, config: { ...only(1), hook: 'preValidation' } },
  { what: "a policy with hook: 'preHandler'", options: {}, config: { ...only(1), hook: 'preHandler' } },
  { what: 'a limiter chosen by request', options: only(1), config: async () => 'default' },
]

for (const { what, options, config } of CASES) {
  for (const own of [false, true]) {
    test(`a websocket upgrade denied by ${what} is a 429, ${own ? "of the app's error handler" : "of Fastify's error handler"}`, async (t) => {
      const app = await limited(options)
      await app.register(websocket)
      if (own) app.setErrorHandler((_error, _request, reply) => reply.send('denied'))
      const opened: string[] = []
      app.get('/ws', { websocket: true, config: { rateLimit: config } }, () => opened.push('ws'))
      await listen(app, t.teardown)
      t.equal(await upgrade(app), 'open')
      t.equal(await upgrade(app), '429 3600')
      t.equal(opened.length, 1)
    })
  }
}

test('an upgrade to a URL without a route is limited like a 404', async (t) => {
  const app = await limited(only(1))
  await app.register(websocket)
  await listen(app, t.teardown)
  t.equal(await upgrade(app, '/none'), '404 undefined')
  t.equal(await upgrade(app, '/none'), '429 3600')
})

for (const order of ['before', 'after']) {
  test(`the connection of an upgrade that is denied does not stay open, with the limiter loaded ${order} @fastify/websocket`, async (t) => {
    const app = Fastify()
    if (order === 'after') await app.register(websocket)
    await app.register(rateLimit, { store: frozenStore(), rate: 0 })
    if (order === 'before') await app.register(websocket)
    app.get('/ws', { websocket: true }, () => {})
    await listen(app, t.teardown)
    const connected = once(app.server, 'connection')
    const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    client.end(
      'GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
        'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    const [head] = await once(client, 'data')
    t.match(String(head), /^HTTP\/1\.1 429 /)
    const [socket] = (await connected) as [Socket]
    // The signal only frees the test from a connection that is never closed.
    if (!socket.destroyed) await once(socket, 'close', { signal: AbortSignal.timeout(2000) })
    t.ok(socket.destroyed)
  })
}

test('messages of an open websocket are limited by hand, through the limiter of that name', async (t) => {
  const app = await limited({ limiters: { messages: only(1) } })
  await app.register(websocket)
  app.get('/ws', { websocket: true }, (socket) => {
    socket.on('message', async () =>
      socket.send(String((await app.rateLimit.get('messages').take('ann')).allowed)),
    )
  })
  await app.ready()
  const socket = await app.injectWS('/ws')
  for (const allowed of ['true', 'false']) {
    socket.send('hello')
    const [message] = await once(socket, 'message')
    t.equal(String(message), allowed)
  }
  socket.terminate()
  await app.close()
})

test('an upgrade that is accepted has not failed: its connection is settled when it closes', async (t) => {
  const app = await limited({ algorithm: 'sliding-window', rate: 2, per: 'hour', charge: 'failed' })
  await app.register(websocket)
  const onRequest = async (request: { headers: Record<string, unknown> }, reply: FastifyReply) => {
    if (request.headers.authorization === undefined) return reply.code(401).send('who are you')
  }
  const asked: number[] = []
  app.get('/ws', { websocket: true, preValidation: onRequest }, () => {})
  app.get(
    '/asked',
    {
      websocket: true,
      config: {
        rateLimit: {
          rate: 5,
          charge: (_request, reply) => {
            asked.push(reply.statusCode)
            return 0
          },
        },
      },
    },
    () => {},
  )
  await listen(app, t.teardown)
  const settled = () => until('the charge to be settled', () => left(app) === 2)
  for (let i = 0; i < 4; i++) {
    t.equal(await upgrade(app, '/ws', { authorization: 'Bearer right' }), 'open')
    await settled()
  }
  t.equal(await upgrade(app), '401 undefined')
  t.equal(await upgrade(app), '401 undefined')
  t.equal(await upgrade(app), '429 3600')
  t.equal(await upgrade(app, '/asked'), 'open')
  await until('the function to be called', () => asked.length === 1)
})
