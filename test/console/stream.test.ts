import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Fastify, { type onRequestAsyncHookHandler } from 'fastify'
import { type Test, test } from 'tap'
import { rateLimitConsole } from '../../lib/console/plugin.js'
import { safeAfter } from '../../lib/console/safe-after.js'
import { Stream } from '../../lib/console/stream.js'
import rateLimit from '../../lib/index.js'
import type { ConsoleState, ConsoleTick } from '../../types/console.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ManualTimers } from '../fixtures/manual-timers.js'
import { listen, openConsole } from './support/console.js'

type Event = { name: string; data: ConsoleState & ConsoleTick }

test('a page hears the state first, then what changed each second', async (t) => {
  const { address, app } = await openConsole(t, { limits: { rate: 2, per: 'hour', burst: 2, offenders: {} } })
  const { reply, next, leave } = await listen(address)
  t.equal(reply.status, 200)
  t.match(Object.fromEntries(reply.headers), {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'content-security-policy': /default-src 'none'/,
    connection: 'close',
  })
  const { name, data } = (await next()) as Event
  t.equal(name, 'state')
  t.match(data.limiters, [{ name: 'default', policies: [{ text: '2 per hour, burst 2', allowed: 0 }] }])
  // In one turn, so that no second ends between two of them; one may have ended before.
  for (let i = 0; i < 5; i++) app.rateLimit.get('default').take('127.0.0.1')
  let tick = (await next()) as Event
  while (tick.data.total.allowed === 0) tick = (await next()) as Event
  t.equal(tick.name, 'tick')
  t.match(tick.data, {
    total: { allowed: 2, denied: 3 },
    limiters: { default: { allowed: 2, denied: 3 } },
    waiting: 0,
    store: { kind: 'memory' },
    processes: [{ isThis: true }],
    offenders: [{ key: '127.0.0.1', denied: 3 }],
  })
  t.ok(tick.data.now > data.now)
  const quiet = ((await next()) as Event).data
  t.match(quiet, { total: { allowed: 0, denied: 0 }, limiters: {} })
  t.notOk('offenders' in quiet, 'they are as before')
  for (let i = 0; i < 4; i++) t.notOk('offenders' in ((await next()) as Event).data)
  leave()
})

test('a change reaches every page with the next second', async (t) => {
  const { address, call } = await openConsole(t)
  const pages = [await listen(address), await listen(address)]
  for (const { next } of pages) await next()
  await call('update', { limiter: 'default', policies: { rate: 7 } })
  const changed = Date.now()
  for (const { next, leave } of pages) {
    const events = [(await next()) as Event]
    // Seconds that ended before the change.
    while (events.at(-1)?.name !== 'state') events.push((await next()) as Event)
    const [tick, state] = events.splice(-2)
    t.strictSame([tick.name, state.name], ['tick', 'state'])
    t.ok(events.every(({ name, data }) => name === 'tick' && data.now <= changed))
    t.match(state.data.changes, [{ verb: 'update', limiter: 'default' }])
    leave()
  }
})

test('an app with open pages closes at once, and their streams end', async (t) => {
  const { app, address } = await openConsole(t)
  const { next } = await listen(address)
  await next()
  const began = Date.now()
  await app.close()
  t.ok(Date.now() - began < 30_000, 'streams last 15 minutes')
  let event = await next()
  while (event !== null) event = await next()
  t.equal(event, null)
})

test('the hooks of operators run before a stream, and CORS headers of the application stay', async (t) => {
  const { address } = await openConsole(t, {
    build: (app) => {
      app.addHook('onRequest', async (_request, reply) => {
        reply.header('x-app', 'yes')
      })
    },
    console: {
      public: false,
      onRequest: async (request, reply) => {
        if (request.headers.authorization === undefined) return reply.code(403).send({ error: 'no' })
      },
    },
  })
  const refused = await listen(address)
  t.equal(refused.reply.status, 403)
  t.strictSame(await fetch(`${address}/limits/api/state`).then((reply) => reply.json()), { error: 'no' })
  const { reply, leave } = await listen(address, undefined, { authorization: 'me' })
  t.equal(reply.status, 200)
  t.equal(reply.headers.get('x-app'), 'yes')
  leave()
})

test('while no page is open nothing is computed but the history', async (t) => {
  const app = Fastify()
  await app.register(rateLimit)
  const asked: string[] = []
  const spied = new Proxy(app.rateLimit, {
    get(target, name) {
      asked.push(String(name))
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  await app.register(async (scope) => {
    Object.defineProperty(scope, 'rateLimit', { value: spied })
    await rateLimitConsole(scope, { public: true })
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { next, leave } = await listen(address, '/api/stream')
  for (let i = 0; i < 2; i++) await next()
  t.ok(asked.includes('processes'))
  leave()
  const connections = promisify(app.server.getConnections.bind(app.server))
  while ((await connections()) > 0) await sleep(10)
  asked.length = 0
  await sleep(5500)
  t.strictSame([...new Set(asked)], ['stats'])
})

/** A stream of large ticks whose time a test moves. */
async function bigStream(
  t: Test,
  text = 'x'.repeat(1_000_000),
  onRequest: onRequestAsyncHookHandler = async () => {},
) {
  const timers = new ManualTimers(new ManualClock())
  const asked = { begin: 0, tick: 0, state: 0 }
  /** What fails now. */
  const faulty = { tick: false, state: false }
  const source = {
    begin: () => asked.begin++,
    state: () => {
      if (faulty.state) throw new Error('no state')
      return { whole: ++asked.state }
    },
    tick: () => {
      if (faulty.tick) throw new Error('no tick')
      return { tick: { number: ++asked.tick, text }, state: null }
    },
  }
  const logged: [object, string][] = []
  const logger = { error: (...line: [object, string]) => void logged.push(line) }
  const stream = new Stream(source, safeAfter(timers.after, logger as never))
  const app = Fastify()
  app.get('/', { onRequest }, (_request, reply) => {
    stream.follow(reply)
    return reply
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const second = async () => {
    await timers.advance(1000)
    await sleep(20)
  }
  return { app, stream, address, second, advance: (ms: number) => timers.advance(ms), asked, faulty, logged }
}

test('a page that does not read misses ticks, gets the state when it reads again, and is given up at last', async (t) => {
  const { stream, address, second, asked } = await bigStream(t)
  const { port } = new URL(address)
  const slow = connect(Number(port), '127.0.0.1').pause()
  t.teardown(() => slow.destroy())
  slow.on('error', () => {})
  slow.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const { next, leave } = await listen(address, '/')
  t.match(await next(), { name: 'state' })
  for (let i = 1; i <= 20; i++) {
    await second()
    t.match(await next(), { name: 'tick', data: { number: i } }, 'one that reads misses nothing')
  }
  const before = asked.state
  let heard = ''
  slow.on('data', (chunk) => {
    heard += chunk.toString('latin1').replaceAll(/x+/g, 'x')
  })
  slow.resume()
  for (let i = 0; i < 50 && asked.state === before; i++) await second()
  t.equal(asked.state, before + 1)
  while (!heard.includes(`"whole":${before + 1}`)) await sleep(10)
  t.notMatch(heard, '"number":18,', 'what it missed was not kept')
  slow.pause()
  for (let i = 0; i < 60 && stream.size === 2; i++) {
    await second()
    await next()
  }
  t.equal(stream.size, 1)
  leave()
})

test('a page that hears nothing because of a fault stays, gets the state after it, and the log has one line', async (t) => {
  const { stream, address, second, asked, faulty, logged } = await bigStream(t, '')
  const { next, leave } = await listen(address, '/')
  await next()
  faulty.tick = true
  for (let i = 0; i < 40; i++) await second()
  faulty.tick = false
  faulty.state = true
  await second()
  t.equal(stream.size, 1)
  t.match(logged, [[{ err: { message: 'no tick' } }, /fault/]])
  t.equal(logged.length, 1, 'one fault after the other is one line')
  const refused = await fetch(address)
  t.match([refused.status, await refused.json()], [500, { message: 'no state' }])
  faulty.state = false
  await second()
  t.match(
    await next(),
    { name: 'state', data: { whole: asked.state } },
    'what it missed may be more than counters',
  )
  await second()
  t.match(await next(), { name: 'tick', data: { number: asked.tick } })
  faulty.tick = true
  await second()
  t.equal(logged.length, 2, 'the next fault is another line')
  leave()
})

test('a stream ends after 15 minutes in spite of faults, too', async (t) => {
  const { stream, address, advance, faulty } = await bigStream(t, '')
  const { next } = await listen(address, '/')
  await next()
  faulty.tick = true
  await advance(901_000)
  t.equal(await next(), null)
  t.equal(stream.size, 0)
})

test('a fault of the console does not end the process of the application', async (t) => {
  const lines: string[] = []
  const logger = { stream: { write: (line: string) => lines.push(line) } }
  const { app, address } = await openConsole(t, { server: { logger } })
  const { next, leave } = await listen(address)
  await next()
  const { processes } = app.rateLimit
  const began = Date.now()
  let failed = 0
  Object.assign(app.rateLimit, {
    processes: () => {
      failed++
      throw new Error('a report that cannot be read')
    },
  })
  while (failed < 2) await sleep(20)
  Object.assign(app.rateLimit, { processes })
  let event = (await next()) as Event
  // Seconds that ended before the fault.
  while (event.name === 'tick' && event.data.now <= began) event = (await next()) as Event
  t.match(event, { name: 'state' })
  const faults = lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50)
  t.match(faults, [{ err: { message: 'a report that cannot be read' }, msg: /fault in the console/ }])
  t.equal(faults.length, 1)
  leave()
})

test('a page that leaves while a hook of operators waits does not follow', async (t) => {
  const waiting: (() => void)[] = []
  const { app, stream, address, asked } = await bigStream(
    t,
    '',
    () => new Promise<void>((done) => waiting.push(done)),
  )
  const { port } = new URL(address)
  // The second one is pipelined: its response has no socket, and does not hear that it closes.
  for (const requests of [1, 2]) {
    const closed = new Promise((resolve) => {
      app.server.once('connection', (socket) => socket.once('close', resolve))
    })
    const client = connect(Number(port), '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(requests))
    while (waiting.length < requests) await sleep(10)
    client.destroy()
    await closed
    for (const done of waiting.splice(0)) done()
    await sleep(50)
    t.equal(stream.size, 0)
  }
  t.equal(asked.begin, 0, 'nothing is computed for it')
})

test('a page that a client pipelined follows no longer than its connection', async (t) => {
  const { stream, address, second } = await bigStream(t, '')
  const client = connect(Number(new URL(address).port), '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2))
  while (stream.size < 2) await sleep(10)
  await second()
  t.equal(stream.size, 2)
  client.destroy()
  while (stream.size === 2) await sleep(10)
  await second()
  t.equal(stream.size, 0)
})

test('a page that a client pipelined is given up when it reads nothing', async (t) => {
  const { stream, address, second } = await bigStream(t)
  const client = connect(Number(new URL(address).port), '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2))
  client.resume()
  t.teardown(() => client.destroy())
  while (stream.size < 2) await sleep(10)
  for (let i = 0; i < 32; i++) await second()
  t.equal(stream.size, 1)
})

test('a stream ends after 15 minutes, so that the hooks of operators run again', async (t) => {
  const { stream, address, advance, asked } = await bigStream(t, '')
  const { next } = await listen(address, '/')
  await next()
  for (let i = 0; i < 900; i++) {
    await advance(1000)
    await next()
  }
  await advance(1000)
  t.equal(await next(), null)
  t.equal(stream.size, 0)
  await advance(5000)
  t.equal(asked.tick, 901, 'and the time stands still')
})

test('a stream goes over HTTP/2, too', async (t) => {
  const { app, address } = await openConsole(t, { server: { http2: true } as never })
  const session = connectHttp2(address)
  const stream = session.request({ ':path': '/limits/api/stream' })
  const [headers] = await once(stream, 'response')
  t.match(headers, { ':status': 200, 'content-type': /^text\/event-stream/ })
  t.notOk('connection' in headers)
  let heard = ''
  stream.on('data', (chunk) => {
    heard += chunk
  })
  while (!heard.includes('event: tick')) await sleep(20)
  const closed = app.close()
  await once(stream, 'end')
  session.close()
  await closed
  t.match(heard, /^retry: 2000\n\nevent: state\ndata: /)
})

test('the first page begins, and the last one that leaves ends it', async (t) => {
  const { stream, address, second, asked } = await bigStream(t)
  const first = await listen(address, '/')
  const other = await listen(address, '/')
  t.equal(asked.begin, 1)
  first.leave()
  other.leave()
  while (stream.size > 0) await sleep(10)
  await second()
  t.equal(asked.tick, 0)
  const again = await listen(address, '/')
  t.equal(asked.begin, 2)
  await second()
  t.equal(asked.tick, 1)
  again.leave()
})

test('a page that does not read does not keep an app from closing', async (t) => {
  const { stream, address, second } = await bigStream(t)
  const slow = connect(Number(new URL(address).port), '127.0.0.1').pause()
  slow.on('error', () => {})
  slow.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  while (stream.size === 0) await sleep(10)
  for (let i = 0; i < 12; i++) await second()
  stream.close()
  while (stream.size > 0) await sleep(10)
  t.pass()
})

test('a thousand pages may follow, and one more is asked to wait', async (t) => {
  const { address } = await openConsole(t)
  const open = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpGet(`${address}/limits/api/stream`, { agent: false }, resolve)
      request.on('error', reject)
    })
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 100 }, open))
  const refused = await fetch(`${address}/limits/api/stream`)
  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'FST_FLOODGATE_PAGES', statusCode: 503 })
})
