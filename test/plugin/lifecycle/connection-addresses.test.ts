import { EventEmitter, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import * as http2 from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import * as tls from 'node:tls'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit from '../../../lib/index.js'
import { Internals } from '../../../lib/plugin/internals.js'
import { keepAddresses } from '../../../lib/plugin/lifecycle/connection-addresses.js'
import { frozenStore, only } from '../support/app.js'

/** A key that both sides know takes the place of certificates. */
const psk = Buffer.alloc(32, 1)
const SERVER_TLS = { ciphers: 'PSK', pskCallback: () => psk }
const CLIENT_TLS = {
  ciphers: 'PSK',
  pskCallback: () => ({ psk, identity: 'test' }),
  checkServerIdentity: () => undefined,
}

function secure(socket: Socket, ALPNProtocols?: string[]): tls.TLSSocket {
  return tls.connect({ socket, ALPNProtocols, ...CLIENT_TLS })
}

function sendHttp1(connection: Duplex): void {
  connection.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
}

function sendHttp2(connection: Duplex): void {
  const session = http2.connect('http://x', { createConnection: () => connection })
  session.on('error', () => {})
  session
    .request({ ':path': '/' })
    .on('error', () => {})
    .end()
}

const PROTOCOLS: Record<string, { server: object; send: (socket: Socket) => void }> = {
  'HTTP/1.1': { server: {}, send: sendHttp1 },
  HTTPS: { server: { https: SERVER_TLS }, send: (socket) => sendHttp1(secure(socket)) },
  'HTTP/2 in clear text': { server: { http2: true }, send: sendHttp2 },
  'HTTP/2': {
    server: { http2: true, https: SERVER_TLS },
    send: (socket) => sendHttp2(secure(socket, ['h2'])),
  },
  'HTTP/1.1 to a server of HTTP/2': {
    server: { http2: true, https: { ...SERVER_TLS, allowHTTP1: true } },
    send: (socket) => sendHttp1(secure(socket)),
  },
}

async function listening(t: Test, app: FastifyInstance): Promise<Socket> {
  t.teardown(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return connect((app.server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
}

for (const [protocol, { server, send }] of Object.entries(PROTOCOLS)) {
  test(`a client that resets its connection is counted under its address: ${protocol}`, async (t) => {
    const app = Fastify(server as FastifyServerOptions)
    const events = new EventEmitter()
    const seen = once(events, 'seen')
    const gone = once(events, 'gone')
    app.server.on('connection', (socket) => socket.once('close', () => events.emit('gone')))
    // Authentication takes its time, and the client does not wait for it.
    app.addHook('onRequest', async () => {
      events.emit('seen')
      await gone
      await setImmediate()
    })
    app.addHook('preHandler', async (request) => void events.emit('counted', request.rateLimit?.key))
    await app.register(rateLimit, { ...only(5), store: frozenStore() })
    app.get('/', async () => 'ok')
    const socket = await listening(t, app)
    const counted = once(events, 'counted')
    send(socket)
    await seen
    socket.resetAndDestroy()
    t.same(await counted, ['127.0.0.1'])
  })
}

const listeners = (server: EventEmitter) =>
  ['connection', 'secureConnection', 'session'].map((event) => server.listenerCount(event))

test('several registrations share the listeners on their server, and close() leaves none of them', async (t) => {
  const before = listeners(Fastify().server)
  const app = Fastify()
  await app.register(async (scope) => void (await scope.register(rateLimit)))
  await app.register(rateLimit)
  await app.ready()
  t.same(
    listeners(app.server),
    before.map((count) => count + 1),
  )
  await app.close()
  t.same(listeners(app.server), before)
})

test('a server that a factory made is listened to', async (t) => {
  let server: Server | undefined
  const app = Fastify({ serverFactory: (handler) => (server = createServer(handler)) })
  await app.register(rateLimit, { ...only(5), store: frozenStore() })
  app.get('/', async (request) => request.rateLimit?.key)
  const socket = await listening(t, app)
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  t.match(String((await once(socket, 'data'))[0]), /127\.0\.0\.1$/)
  t.equal(app.server, server)
})

test('an app whose server is missing, or no emitter of events, is limited all the same', async (t) => {
  for (const server of [undefined, { listen() {}, address: () => null }]) {
    const app = Fastify()
    const proxy = Object.create(app, { server: { value: server } }) as FastifyInstance
    t.doesNotThrow(() => keepAddresses(proxy, new Internals()))
  }
})

test('apps that share a server need its listeners until the last of them closes', async (t) => {
  const server = createServer()
  const before = listeners(server)
  const start = async () => {
    const app = Fastify({ serverFactory: () => server })
    await app.register(rateLimit)
    await app.ready()
    return app
  }
  const [one, two] = [await start(), await start()]
  const during = before.map((count) => count + 1)
  t.same(listeners(server), during)
  await one.close()
  t.same(listeners(server), during)
  await two.close()
  t.same(listeners(server), before)
})

test('the servers of further addresses are listened to, too', async (t) => {
  const app = Fastify()
  await app.register(rateLimit)
  const other = createServer()
  const before = listeners(other)
  // As Fastify does for `localhost`, where that is ::1 and 127.0.0.1.
  const key = Object.getOwnPropertySymbols(app).find(
    ({ description }) => description === 'fastify.serverBindings',
  )
  ;(app as unknown as Record<symbol, Server[]>)[key as symbol].push(other)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.same(
    listeners(other),
    before.map((count) => count + 1),
  )
  await app.close()
  t.same(listeners(other), before)
})

test('an HTTP/2 session that the app destroys when it comes ends nothing else', async (t) => {
  const app = Fastify({ http2: true })
  let open = 0
  app.server.on('session', (session) => {
    if (++open > 1) session.destroy()
  })
  await app.register(rateLimit, { ...only(5), store: frozenStore() })
  app.get('/', async (request) => request.rateLimit?.key)
  t.teardown(() => app.close())
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const sessions = Array.from({ length: 4 }, () => http2.connect(address).on('error', () => {}))
  const [first, ...others] = sessions
  t.teardown(() => first.destroy())
  await Promise.all(others.map((session) => session.closed || once(session, 'close')))
  t.equal(open, 4)
  const request = first.request({ ':path': '/' })
  t.equal(String((await once(request, 'data'))[0]), '127.0.0.1')
})
