import { type Test, test } from 'tap'
import { WebSocket } from 'ws'
import { startRedis } from '../fixtures/redis/server.js'
import { runSnippet, statuses } from '../fixtures/snippet-runner.js'

const recipe = (t: Test, name: string, redisPort?: number) =>
  runSnippet(t, 'docs/recipes.md', name, redisPort)

const FIVE_AND_DENIED = [...Array(5).fill(200), 429]

test('API keys: each client has its own limit, and guesses count for the guard', async (t) => {
  const { app } = await recipe(t, 'api-keys')
  const ann = { headers: { 'x-api-key': 'key-of-ann' } }
  t.same(await statuses(app, '/orders', 11, ann), [...Array(10).fill(200), 429])
  t.same(await statuses(app, '/orders', 1, { headers: { 'x-api-key': 'key-of-bob' } }), [200])
  const guesses = await statuses(app, '/orders', 300)
  t.same(guesses.slice(0, 88), Array(88).fill(401))
  t.ok(guesses.includes(429))
})

test('JWT: users are limited apart, and a token that nobody signed is refused', async (t) => {
  const { app } = await recipe(t, 'jwt')
  await app.ready()
  const bearer = (sub: string) => {
    const token = (app as unknown as { jwt: { sign(claims: object): string } }).jwt.sign({ sub })
    return { headers: { authorization: `Bearer ${token}` } }
  }
  t.same(await statuses(app, '/me', 11, bearer('ann')), [...Array(10).fill(200), 429])
  t.same(await statuses(app, '/me', 1, { ...bearer('ann'), method: 'POST' }), [429])
  t.same(await statuses(app, '/me', 1, bearer('bob')), [200])
  const { headers } = bearer('ann')
  const [head, claims] = headers.authorization.split('.')
  const forged = { headers: { authorization: `${head}.${claims}.forged` } }
  t.same(await statuses(app, '/me', 1, forged), [401])
})

test('sessions: a user has one limit over all sessions', async (t) => {
  const { app } = await recipe(t, 'sessions')
  const login = async () => {
    const { headers } = await app.inject({ method: 'POST', url: '/login' })
    return { headers: { cookie: String(headers['set-cookie']).split(';')[0] } }
  }
  const [one, two] = [await login(), await login()]
  t.not(one.headers.cookie, two.headers.cookie)
  t.same(await statuses(app, '/', 6, one), Array(6).fill(200))
  t.same(await statuses(app, '/', 5, two), [200, 200, 200, 200, 429])
  t.same(await statuses(app, '/', 11), [...Array(10).fill(200), 429])
})

test('authentication in preHandler: users are limited apart', async (t) => {
  const { app } = await recipe(t, 'pre-handler')
  const as = (user: string) =>
    ({ method: 'POST', headers: { authorization: `Bearer token-of-${user}` } }) as const
  t.same(await statuses(app, '/messages', 11, as('ann')), [...Array(10).fill(200), 429])
  t.same(await statuses(app, '/messages', 1, as('bob')), [200])
})

test('behind a proxy: the client is who the proxy says, and nobody can name himself', async (t) => {
  const { app } = await recipe(t, 'proxy')
  const from = (forwarded: string, remoteAddress = '127.0.0.1') => ({
    headers: { 'x-forwarded-for': forwarded },
    remoteAddress,
  })
  t.equal((await app.inject({ url: '/', ...from('1.2.3.4, 203.0.113.7') })).body, '203.0.113.7')
  t.equal((await app.inject({ url: '/', ...from('203.0.113.7, 10.2.3.4') })).body, '203.0.113.7')
  t.equal((await app.inject({ url: '/', ...from('1.2.3.4', '198.51.100.1') })).body, '198.51.100.1')
})

test('login: five wrong passwords an account and address, twenty an address, successes are free', async (t) => {
  const { app } = await recipe(t, 'login')
  const guess = (account: string, password = 'guess', remoteAddress = '203.0.113.7') => ({
    method: 'POST' as const,
    payload: { account, password },
    remoteAddress,
  })
  t.same(await statuses(app, '/login', 10, guess('ada', 'lovelace')), Array(10).fill(200))
  t.same(await statuses(app, '/login', 6, guess('ada')), [...Array(5).fill(401), 429])
  t.same(await statuses(app, '/login', 1, guess(' ADA ')), [429])
  t.same(await statuses(app, '/login', 1, guess('ada', 'lovelace', '198.51.100.1')), [200])
  const codes: number[] = []
  for (let i = 0; i < 16; i++) codes.push(...(await statuses(app, '/login', 1, guess(`user-${i}`))))
  t.same(codes, [...Array(15).fill(401), 429])
})

test('limits by plan: free, pro and none', async (t) => {
  const { app } = await recipe(t, 'plans')
  const as = (user: string) => ({ headers: { authorization: `Bearer token-of-${user}` } })
  t.same(await statuses(app, '/report', 2, as('ann')), [200, 200])
  t.same(await statuses(app, '/export', 2, as('ann')), [200, 429])
  t.same(await statuses(app, '/report', 21, as('bob')), [...Array(20).fill(200), 429])
  t.same(await statuses(app, '/report', 30, as('eve')), Array(30).fill(200))
})

test('limits from a database: a row that changes holds from the next request on', async (t) => {
  const { app, plans } = await recipe(t, 'database')
  const as = (user: string) => ({ headers: { authorization: `Bearer token-of-${user}` } })
  t.same(await statuses(app, '/report', 4, as('ann')), [200, 200, 200, 429])
  t.same(await statuses(app, '/report', 21, as('bob')), [...Array(20).fill(200), 429])
  ;(plans as Map<string, object>).set('free', { rate: 10, burst: 5 })
  t.same(await statuses(app, '/report', 6, as('ann')), FIVE_AND_DENIED)
  ;(plans as Map<string, object>).delete('free')
  t.same(await statuses(app, '/report', 11, as('ann')), [...Array(10).fill(200), 429])
  t.same(await statuses(app, '/report', 1), [401])
})

test('two limits at once: the tighter one denies', async (t) => {
  const { app } = await recipe(t, 'two-limits')
  t.same(await statuses(app, '/search', 3), [200, 200, 429])
  t.same(await statuses(app, '/export', 3), [200, 200, 429])
})

test('failures only: a success gives its unit back', async (t) => {
  const { app } = await recipe(t, 'failures')
  t.same(await statuses(app, '/coupons/SPRING', 5), Array(5).fill(200))
  t.same(await statuses(app, '/coupons/GUESS', 4), [404, 404, 404, 429])
})

test('GraphQL by cost: fields are counted, and no wait helps a query that is too large', async (t) => {
  const { app } = await recipe(t, 'graphql')
  const ask = (fields: number) => ({
    method: 'POST' as const,
    payload: { query: `{ ${Array.from({ length: fields }, (_, i) => `f${i}: add(x: 1, y: 2)`).join(' ')} }` },
  })
  const reply = await app.inject({ url: '/graphql', ...ask(50) })
  t.equal(reply.json().data.f49, 3)
  t.equal(reply.headers['x-ratelimit-remaining'], '50')
  t.equal((await app.inject({ url: '/graphql?query={add(x:1,y:2)}' })).json().data.add, 3)
  t.same(await statuses(app, '/graphql', 1, ask(70)), [429])
  const huge = await app.inject({ url: '/graphql', ...ask(101) })
  t.equal(huge.statusCode, 429)
  t.notOk('retry-after' in huge.headers)
  t.same(await statuses(app, '/graphql', 1, { method: 'POST', payload: { query: '{' } }), [400])
})

test('file uploads: megabytes are counted, and who hides the size pays for the largest', async (t) => {
  const { app } = await recipe(t, 'uploads')
  const address = await app.listen({ port: 0 })
  const post = (body: FormData | ReadableStream) =>
    fetch(`${address}/files`, { method: 'POST', body, duplex: 'half' } as RequestInit)
  const left = async (bytes: number) => {
    const body = new FormData()
    body.set('file', new Blob([Buffer.alloc(bytes)]), 'a.bin')
    const reply = await post(body)
    t.same(await reply.json(), { bytes })
    return reply.headers.get('x-ratelimit-remaining')
  }
  t.equal(await left(10), '99')
  t.equal(await left(2.5 * 1024 * 1024), '96')
  const hidden = () => post(new Blob(['x']).stream())
  t.equal((await hidden()).headers.get('x-ratelimit-remaining'), '46')
  t.equal((await hidden()).status, 429)
})

test('WebSocket messages: the twenty-first of a burst is told to slow down', async (t) => {
  const { app } = await recipe(t, 'websocket')
  const address = await app.listen({ port: 0 })
  const socket = new WebSocket(`${address.replace('http', 'ws')}/chat`)
  t.teardown(() => socket.close())
  const answers: string[] = []
  await new Promise((resolve) => {
    socket.on('open', () => {
      for (let i = 0; i < 21; i++) socket.send(`${i}`)
    })
    socket.on('message', (data) => {
      if (answers.push(String(data)) === 21) resolve(undefined)
    })
  })
  t.equal(answers[19], 'you said 19')
  t.match(JSON.parse(answers[20]), { error: 'slow down', retryAfter: Number })
})

test('scans for URLs: five 404s, and what exists is reached as before', async (t) => {
  const { app } = await recipe(t, 'not-found')
  app.get('/there', async () => 'ok')
  t.same(await statuses(app, '/wp-admin', 6), [...Array(5).fill(404), 429])
  t.same(await statuses(app, '/there', 2), [200, 200])
})

test('four replicas: one limit in Redis, and a quarter of it without', async (t) => {
  const server = await startRedis(t)
  const [one, two] = [await recipe(t, 'replicas', server.port), await recipe(t, 'replicas', server.port)]
  // The server's clock goes on, and a unit comes back each 600 ms: only a quick try has a certain result.
  let codes: number[][] = []
  for (let [last, took] = [1, 600]; took >= 600 && last < 20; last++) {
    const request = { remoteAddress: `198.51.100.${last}` }
    const start = performance.now()
    codes = [await statuses(one.app, '/', 6, request), await statuses(two.app, '/', 7, request)]
    took = performance.now() - start
  }
  t.same(codes, [Array(6).fill(200), [...Array(6).fill(200), 429]])
  await server.stop()
  const remoteAddress = '203.0.113.7'
  t.same(await statuses(one.app, '/', 4, { remoteAddress }), [200, 200, 200, 429])
})

test('threads, bots and queues run', async (t) => {
  const { app } = await recipe(t, 'threads')
  t.same(await statuses(app, '/', 11), [...Array(10).fill(200), 429])
  const { onCommand } = (await recipe(t, 'bots')) as unknown as {
    onCommand: (user: string, run: () => string) => string
  }
  for (let i = 0; i < 3; i++)
    t.equal(
      onCommand('telegram:U42', () => 'done'),
      'done',
    )
  t.match(
    onCommand('telegram:U42', () => 'done'),
    /^Slow down, try again in (9|10) s$/,
  )
  const said = t.capture(console, 'log')
  const started = performance.now()
  await recipe(t, 'queues')
  t.ok(performance.now() - started > 199, 'three mails at 10 a second take 200 ms')
  t.same(
    said().map(({ args }) => args),
    [['sending one'], ['sending two'], ['sending three']],
  )
})

test('unblock a client: an operator resets the key', async (t) => {
  const { app, TOKEN } = await recipe(t, 'unblock')
  const post = { method: 'POST' } as const
  t.same(await statuses(app, '/login', 6, post), [...Array(5).fill(401), 429])
  const reset = (name: string, token: unknown) =>
    app.inject({
      method: 'DELETE',
      url: `/limits/${name}/127.0.0.1`,
      headers: { authorization: `Bearer ${token}` },
    })
  t.equal((await reset('login', undefined)).statusCode, 403)
  t.equal((await reset('nobody', TOKEN)).statusCode, 404)
  t.same(await statuses(app, '/login', 1, post), [429])
  t.equal((await reset('login', TOKEN)).statusCode, 204)
  t.same(await statuses(app, '/login', 1, post), [401])
})

test('log who is denied: the callback runs for each denial', async (t) => {
  const { app } = await recipe(t, 'denied')
  app.log.warn = () => {}
  t.same(await statuses(app, '/', 4), [200, 200, 429, 429])
})

test('limits from the environment: they win over the code', async (t) => {
  Object.assign(process.env, { SHOP_RATE_LIMIT_PER_MIN: '50', SHOP_BURST: '5' })
  t.teardown(() => {
    delete process.env.SHOP_RATE_LIMIT_PER_MIN
    delete process.env.SHOP_BURST
  })
  const { app } = await recipe(t, 'environment')
  t.same(await statuses(app, '/', 6), FIVE_AND_DENIED)
})
