import http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyServerOptions } from 'fastify'
import { test } from 'tap'
import type { Decision, RateLimitOptions } from '../../../lib/index.js'
import { ask, CLIENT, left, limited, ok, only, user } from '../support/app.js'

/** One at once, then one each 20 ms; up to 50 ms of waiting are taken. */
const QUEUE: RateLimitOptions = { rate: 50, per: 'second', burst: 1, wait: 50 }
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

test('a request that would be allowed soon is held until then, and no later one is', async (t) => {
  const app = await limited(QUEUE)
  app.get('/', async (request) => request.rateLimit?.decision)
  const start = performance.now()
  const replies = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const reply = await app.inject('/')
      return { status: reply.statusCode, body: reply.json(), after: performance.now() - start }
    }),
  )
  t.same(
    replies.map(({ status, body }) => [status, body.delay]),
    [
      [200, undefined],
      [200, 20],
      [200, 40],
      [429, undefined],
    ],
  )
  const [, second, third] = replies
  t.ok(second.after >= 20, `${second.after} ms`)
  t.ok(third.after >= 40, `${third.after} ms`)
})

test('a denial says when the request would be taken, and be held', async (t) => {
  const app = await limited({ rate: 1, per: '10 seconds', burst: 1, wait: '5 seconds' })
  app.get('/', ok)
  t.same(await ask(app, 'GET /'), ['200 0'])
  const denied = await app.inject('/')
  t.equal(denied.headers['retry-after'], '5')
})

test('the longest delay of several policies counts', async (t) => {
  const app = await limited({ limiters: { two: QUEUE, one: { ...QUEUE, rate: 25 } } })
  app.get('/', { config: { rateLimit: ['two', 'one'] } }, async (request) => request.rateLimit?.decision)
  await app.inject('/')
  t.equal((await app.inject('/')).json().delay, 40)
})

test('beyond `maxWaiting` what would wait is denied, and gives its units back', async (t) => {
  const app = await limited({ ...QUEUE, maxWaiting: 1 })
  app.get('/', ok)
  await app.inject('/')
  const replies = await Promise.all([app.inject('/'), app.inject('/')])
  replies.sort((a, b) => a.statusCode - b.statusCode)
  t.same(
    replies.map(({ statusCode, headers }) => [statusCode, headers['retry-after']]),
    [
      [200, undefined],
      [429, '1'],
    ],
  )
  t.equal((await app.inject('/')).statusCode, 200, 'its unit came back')
})

test('a client that leaves while it waits gives its unit back, and its handler never runs', async (t) => {
  const app = await limited(
    {
      ...only(9),
      keys: { user },
      limiters: { slow: { rate: 1, per: 'minute', burst: 1, wait: '1 minute', key: 'user' } },
    },
    { forceCloseConnections: true },
  )
  t.teardown(() => app.close())
  let runs = 0
  app.get('/', { config: { rateLimit: ['default', 'slow'] } }, async () => {
    runs++
    return 'ok'
  })
  await app.listen({ host: CLIENT, port: 0 })
  const { port } = app.server.address() as AddressInfo
  await fetch(`http://${CLIENT}:${port}/`)
  t.equal(runs, 1)
  const socket = connect(port, CLIENT)
  socket.write(GET)
  const resetAfter = () => (app.rateLimit.get('slow').peek('nobody') as Decision).resetAfter
  while (resetAfter() === 60_000) await sleep(1)
  t.equal(resetAfter(), 120_000)
  t.equal(left(app), 7)
  socket.destroy()
  while (resetAfter() !== 60_000) await sleep(1)
  t.equal(left(app), 8, 'and the units of arrival')
  t.equal(runs, 1)
})

const LEAVERS: [how: string, server: FastifyServerOptions, connected: (port: number) => () => void][] = [
  [
    'before its key is known',
    {},
    (port) => {
      const socket = connect(port, CLIENT)
      socket.write(GET)
      return () => socket.destroy()
    },
  ],
  [
    'before its key is known, over HTTP/2',
    { http2: true } as FastifyServerOptions,
    (port) => {
      const session = http2.connect(`http://${CLIENT}:${port}`)
      session.request({ ':path': '/' }).on('error', () => {})
      return () => session.destroy()
    },
  ],
]

for (const [how, server, open] of LEAVERS) {
  test(`a client that leaves ${how} is not held, and its handler never runs`, async (t) => {
    const reading: (() => void)[] = []
    const key = () => new Promise<string>((resolve) => reading.push(() => resolve('ann')))
    const slow = { rate: 1, per: 'minute', burst: 1, wait: '1 minute', key } as const
    const app = await limited({ rateLimit: false, limiters: { slow } }, server)
    t.teardown(() => app.close())
    let runs = 0
    app.get('/', { config: { rateLimit: 'slow' } }, async () => {
      runs++
      return 'ok'
    })
    await app.listen({ host: CLIENT, port: 0 })
    app.rateLimit.get('slow').take('ann')
    let closed = false
    app.server.on('connection', (socket) => socket.once('close', () => (closed = true)))
    const leave = open((app.server.address() as AddressInfo).port)
    while (reading.length === 0) await sleep(1)
    leave()
    while (!closed) await sleep(1)
    reading[0]()
    await sleep(5)
    t.equal((app.rateLimit.get('slow').peek('ann') as Decision).resetAfter, 60_000, 'its unit is back')
    t.same([app.rateLimit.stats().waiting, runs], [0, 0])
  })
}

test('requests that a client sent at once are held no more when it leaves before the first is answered', async (t) => {
  const slow = { rate: 1, per: 'minute', burst: 1, wait: '1 minute', key: 'global' } as const
  const app = await limited({ rateLimit: false, limiters: { slow } }, { forceCloseConnections: true })
  t.teardown(() => app.close())
  let runs = 0
  app.get('/never', () => new Promise(() => {}))
  app.get('/', { config: { rateLimit: 'slow' } }, async () => {
    runs++
    return 'ok'
  })
  await app.listen({ host: CLIENT, port: 0 })
  app.rateLimit.get('slow').take('global')
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  socket.write(GET.replace('/', '/never') + GET)
  while (app.rateLimit.stats().waiting === 0) await sleep(1)
  socket.destroy()
  while (app.rateLimit.stats().waiting === 1) await sleep(1)
  t.equal((app.rateLimit.get('slow').peek('global') as Decision).resetAfter, 60_000)
  t.equal(runs, 0)
})

test('close() lets a held request go when its units are back, and waits for it', async (t) => {
  const app = await limited({ ...QUEUE, rate: 2, wait: 600 })
  app.get('/', ok)
  await app.listen({ host: CLIENT, port: 0 })
  const { port } = app.server.address() as AddressInfo
  await fetch(`http://${CLIENT}:${port}/`)
  const held = fetch(`http://${CLIENT}:${port}/`, { headers: { connection: 'close' } })
  while (app.rateLimit.stats().waiting === 0) await sleep(1)
  const closed = app.close()
  t.equal((await held).status, 200)
  await closed
  t.equal(app.rateLimit.stats().waiting, 0)
})

test('10,000 requests that wait and are all aborted leave the units as before', async (t) => {
  const app = await limited({
    rate: 1000,
    per: 'second',
    burst: 20_000,
    wait: '1 minute',
    maxWaiting: 10_000,
  })
  app.get('/', ok)
  const limiter = app.rateLimit.get('default')
  // All that is to be had now and for 20 seconds.
  for (let i = 0; i < 2; i++) limiter.take(CLIENT, { cost: 20_000 })
  const resetAfter = () => (limiter.peek(CLIENT) as Decision).resetAfter
  t.equal(resetAfter(), 40_000)
  const abort = new AbortController()
  const pending = Array.from({ length: 10_000 }, () =>
    app.inject({ url: '/', signal: abort.signal }).catch((error) => error.name),
  )
  while (resetAfter() < 50_000) await sleep(1)
  abort.abort()
  const names = await Promise.all(pending)
  t.same([...new Set(names)], ['AbortError'])
  while (resetAfter() > 40_000) await sleep(1)
  t.equal(resetAfter(), 40_000)
})
