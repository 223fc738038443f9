import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type Decision, memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

type Line = { level: number; msg: string; err?: { message: string; stack?: string } }

/** An app whose only unit is spent, and the lines that it logs. */
async function spent(
  t: Test,
  options: RateLimitOptions = {},
  prepare: (app: FastifyInstance) => void = () => {},
) {
  const lines: Line[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => lines.push(JSON.parse(line)) } } })
  t.teardown(() => app.close())
  prepare(app)
  await app.register(rateLimit, { rate: 1, store: memoryStore({ clock: new ManualClock() }), ...options })
  app.rateLimit.get('default').take('127.0.0.1')
  app.get('/', () => t.fail('the handler must not run'))
  return { app, lines }
}

const message = 'Rate limit exceeded, retry in 60 seconds'
const body = `{"statusCode":429,"code":"FST_FLOODGATE_DENIED","error":"Too Many Requests","message":"${message}"}`

/** What the client gets, but for the time of day. */
async function wire(app: FastifyInstance) {
  const { statusCode, headers, body } = await app.inject('/')
  const { date, ...rest } = headers
  return { statusCode, headers: rest, body }
}

test('a denial is a 429 that no cache keeps, with its wait and its limits, in the shape of Fastify errors', async (t) => {
  const { app } = await spent(t)
  t.same(await wire(app), {
    statusCode: 429,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(body.length),
      'cache-control': 'no-store',
      'retry-after': '60',
      'x-ratelimit-limit': '1',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '60',
      connection: 'keep-alive',
    },
    body,
  })
})

for (const [what, options] of [
  ['a wait', {}],
  ['no wait that helps', { cost: 2 }],
  ['a wait of one second', { rate: 60, burst: 1 }],
] as const) {
  test(`the short cut sends the bytes that Fastify makes of the error, with ${what}`, async (t) => {
    const plain = await spent(t, options)
    const byError = await spent(t, options, (app) => app.addHook('onError', async () => {}))
    const told = await wire(plain.app)
    t.equal(told.statusCode, 429)
    t.same(told, await wire(byError.app))
    t.equal(byError.lines.filter(({ err }) => err !== undefined).length, 1, 'the error path was taken')
  })
}

test('each denial has its own wait, in words and in seconds', async (t) => {
  const clock = new ManualClock()
  const { app } = await spent(t, { store: memoryStore({ clock }) })
  for (const [ms, seconds] of [
    [0, 60],
    [1, 60],
    [49_999, 10],
    [0, 10],
    [9000, 1],
  ] as const) {
    clock.advance(ms)
    const { headers, body } = await wire(app)
    t.equal(headers['retry-after'], String(seconds))
    t.equal(headers['content-length'], String(body.length))
    t.equal(
      JSON.parse(body).message,
      `Rate limit exceeded, retry in ${seconds} second${seconds === 1 ? '' : 's'}`,
    )
  }
})

test('with `log: false` a denial logs no line of its own', async (t) => {
  const { app, lines } = await spent(t, { log: false })
  for (let i = 0; i < 3; i++) await app.inject('/')
  t.equal(lines.length, 6)
  t.same(new Set(lines.map(({ msg }) => msg)), new Set(['incoming request', 'request completed']))
})

test('with `headers: []` a denial says Retry-After and nothing else about limits', async (t) => {
  const { app } = await spent(t, { headers: [] })
  const { headers } = await app.inject('/')
  t.equal(headers['retry-after'], '60')
  t.same(
    Object.keys(headers).filter((name) => name.includes('ratelimit')),
    [],
  )
})

for (const key of ['ip', 'byHook', 'byPromise']) {
  test(`a denial keyed by '${key}' stops the lifecycle: only onSend and onResponse still run`, async (t) => {
    const ran: string[] = []
    const byHook = () => '127.0.0.1'
    const keys = { byHook, byPromise: async () => byHook() }
    const { app } = await spent(t, { keys, key })
    const note = (hook: string) => async () => {
      ran.push(hook)
    }
    app.addHook('preValidation', note('preValidation'))
    app.addHook('preHandler', note('preHandler'))
    app.addHook('preSerialization', note('preSerialization'))
    app.addHook('onSend', note('onSend'))
    app.addHook('onResponse', note('onResponse'))
    app.get('/hooks', { preParsing: note('preParsing') }, () => t.fail('the handler must not run'))
    t.equal((await app.inject('/hooks')).statusCode, 429)
    t.same(ran, ['onSend', 'onResponse'])
  })
}

test('an onSend hook can add to a denial', async (t) => {
  const { app } = await spent(t)
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.header('x-seen', 'yes')
    return `${payload} `
  })
  const response = await app.inject('/')
  t.equal(response.headers['x-seen'], 'yes')
  t.equal(response.body, `${body} `)
})

test('what an earlier hook said about the body of the reply does not change that of a denial', async (t) => {
  const hooks = (app: FastifyInstance) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply
        .headers({ 'content-type': 'text/html', 'content-length': '5' })
        .serializer((payload) => `<p>${JSON.stringify(payload)}</p>`)
    })
  }
  const plain = await spent(t, {}, hooks)
  const byError = await spent(t, {}, (app) => {
    hooks(app)
    app.addHook('onError', async () => {})
  })
  t.same(await wire(plain.app), await wire(byError.app))
})

test('onDenied is called once a denial, before the reply, with request, reply and decision', async (t) => {
  const calls: unknown[] = []
  const onDenied = (request: FastifyRequest, reply: FastifyReply, decision: Decision) => {
    calls.push([request.url, reply.statusCode, reply.getHeader('retry-after'), reply.sent, decision])
    reply.header('x-denied', 'yes')
  }
  const { app } = await spent(t, { onDenied })
  const { headers, statusCode } = await app.inject('/')
  t.equal(statusCode, 429)
  t.equal(headers['x-denied'], 'yes')
  const decision = {
    allowed: false,
    policy: 'default',
    violated: ['default'],
    limit: 1,
    remaining: 0,
    resetAfter: 60_000,
    retryAfter: 60_000,
  }
  t.same(calls, [['/', 429, '60', false, decision]])
})

test('onDenied is told which denial is the first of a streak', async (t) => {
  const firsts: boolean[] = []
  const clock = new ManualClock()
  const { app } = await spent(t, {
    store: memoryStore({ clock }),
    onDenied: (_request, _reply, _decision, { first }) => void firsts.push(first),
  })
  for (let i = 0; i < 3; i++) await app.inject('/')
  clock.advance(60_000)
  app.rateLimit.get('default').take('127.0.0.1')
  await app.inject('/')
  t.same(firsts, [true, false, false, true])
})

test('onDenied is not called for what is allowed', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { onDenied: () => t.fail('was allowed') })
  app.get('/', () => 'ok')
  t.equal((await app.inject('/')).statusCode, 200)
})

test('onDenied may reply itself, and return what it replied with', async (t) => {
  const onDenied = (_request: FastifyRequest, reply: FastifyReply) =>
    reply.code(503).type('text/plain').send('later')
  const { app, lines } = await spent(t, { onDenied })
  const response = await app.inject('/')
  t.match(response, { statusCode: 503, body: 'later', headers: { 'content-type': 'text/plain' } })
  t.equal(lines.filter(({ level }) => level > 30).length, 0)
})

test('a body that onDenied sends is a 429 unless it says otherwise', async (t) => {
  const { app } = await spent(t, { onDenied: (_request, reply) => void reply.send({ slow: 'down' }) })
  const response = await app.inject('/')
  t.equal(response.statusCode, 429)
  t.same(response.json(), { slow: 'down' })
})

const REPLIES: [string, NonNullable<RateLimitOptions['onDenied']>, object][] = [
  [
    'sends',
    (_request, reply) => reply.code(503).type('text/plain').send('later'),
    { statusCode: 503, body: 'later' },
  ],
  ['redirects', (_request, reply) => reply.redirect('/slow', 303), { statusCode: 303, body: '' }],
  [
    'sends in an async function',
    async (_request, reply) => void reply.type('text/plain').send('async'),
    { statusCode: 429, body: 'async' },
  ],
  [
    'sends, and throws after that',
    (_request, reply) => {
      reply.send('sent')
      throw new Error('too late')
    },
    { statusCode: 429, body: 'sent' },
  ],
]
for (const [does, onDenied, expected] of REPLIES) {
  test(`the reply of an onDenied that ${does} is the only one, however long onSend hooks take`, async (t) => {
    let sends = 0
    const { app, lines } = await spent(t, { onDenied }, (app) => {
      app.addHook('onSend', async () => {
        sends++
        await new Promise(setImmediate)
      })
    })
    const response = await app.inject('/')
    t.match(response, expected)
    t.notMatch(String(response.headers['content-type']), /json/)
    t.equal(sends, 1)
    const complaints = lines.filter(({ level }) => level > 30).map(({ msg }) => msg)
    t.same(complaints, does.includes('throws') ? ['onDenied failed'] : [])
  })
}

test('onDenied may take the reply over', async (t) => {
  const onDenied = (_request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack()
    reply.raw.writeHead(418).end('teapot')
  }
  const { app } = await spent(t, { onDenied })
  t.match(await app.inject('/'), { statusCode: 418, body: 'teapot' })
})

const failures: [string, () => void][] = [
  [
    'throws',
    () => {
      throw new Error('broken callback')
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('broken callback')
    },
  ],
]
for (const [fails, onDenied] of failures) {
  test(`an onDenied that ${fails} is logged, and the client gets its 429`, async (t) => {
    const { app, lines } = await spent(t, { onDenied })
    const response = await app.inject('/')
    t.equal(response.statusCode, 429)
    t.equal(response.body, body)
    t.match(
      lines.filter(({ level }) => level > 30),
      [{ level: 50, msg: 'onDenied failed', err: { message: 'broken callback' } }],
    )
  })
}
