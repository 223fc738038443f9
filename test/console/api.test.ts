import type { FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import { memoryStore, type RateLimitOptions } from '../../lib/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { openConsole } from './support/console.js'

const one = { rate: 1, per: 'hour', burst: 1 } as const
const KEY = '127.0.0.1'
const user = (request: FastifyRequest) => request.headers['x-user']

test('the state has limiters in words, with counts and what an update would take', async (t) => {
  const limiters = {
    login: [
      { algorithm: 'sliding-window', rate: 5, per: '15 minutes' },
      { name: 'tried', rate: 1, enforce: false },
    ],
    reports: { algorithm: 'concurrency', limit: 3 },
  } as const
  const { get, state } = await openConsole(t, { limits: { ...one, cost: 1, limiters, guard: { rate: 100 } } })
  for (let i = 0; i < 3; i++) await get('/')
  const { limiters: found, now, since, ...rest } = await state()
  t.match(found, [
    {
      name: 'default',
      policies: [
        {
          name: 'default',
          text: '1 per hour, burst 1',
          enforce: 1,
          limit: 1,
          allowed: 1,
          delayed: 0,
          denied: 2,
          blocked: 0,
          shadowDenied: 0,
          nearLimit: 1,
          units: 1,
          options: { rate: 1, per: 'hour', burst: 1 },
        },
      ],
    },
    {
      name: 'login',
      policies: [{ text: '5 in any 15 minutes' }, { name: 'tried', text: '1 per hour, burst 1', enforce: 0 }],
    },
    { name: 'reports', policies: [{ text: '3 in progress' }] },
    { name: 'guard', policies: [{ text: '100 per minute, burst 10', allowed: 3 }] },
  ])
  t.notHas(found[0].policies[0].options, { cost: 1 })
  t.ok(Math.abs(now - Date.now()) < 5000 && Date.parse(since) <= now)
  t.match(rest, {
    series: { total: { step: 5000, allowed: [] }, limiters: {} },
    store: { kind: 'memory', state: 'up', keys: 2 },
    waiting: 0,
    lost: 0,
    overrides: [],
    overridesInForce: 0,
    offenders: null,
    limits: null,
    changes: [],
    processes: [{ isThis: true, pid: process.pid, state: 'up', allowed: 4, denied: 2 }],
  })
})

test('a policy that a function of a route returned is shown, and cannot change', async (t) => {
  const build = (app: { get: (...args: never[]) => unknown }) => {
    app.get(...(['/chosen', { config: { rateLimit: () => one } }, async () => 'ok'] as never[]))
  }
  const { get, state, call } = await openConsole(t, { build })
  await get('/chosen')
  const { limiters } = await state()
  t.match(limiters.find(({ name }) => name === 'GET /chosen')?.policies, [
    { text: '1 per hour, burst 1', options: null, allowed: 1 },
  ])
  t.match(await call('update', { limiter: 'GET /chosen', policies: one }), { status: 404 })
})

test('a key is looked up: what each policy has left for it, and why', async (t) => {
  const limiters = {
    api: [
      { name: 'hour', ...one },
      { name: 'day', algorithm: 'sliding-window', rate: 9, per: 'day' },
      { name: 'tried', rate: 0, enforce: false },
    ],
  } as const
  const { app, call } = await openConsole(t, {
    limits: { limiters, store: memoryStore({ clock: new ManualClock() }) },
  })
  app.rateLimit.get('api').take('ann')
  t.strictSame(await call('look', { limiter: 'api', key: 'ann' }), {
    status: 200,
    limiter: 'api',
    key: app.rateLimit.showKey('api', 'ann'),
    policies: [
      {
        name: 'hour',
        text: '1 per hour, burst 1',
        allowed: false,
        blocked: false,
        shadow: false,
        remaining: 0,
        limit: 1,
        retryAfter: 3_600_000,
        resetAfter: 3_600_000,
      },
      {
        name: 'day',
        text: '9 in any day',
        allowed: true,
        blocked: false,
        shadow: false,
        remaining: 8,
        limit: 9,
        retryAfter: 0,
        resetAfter: 86_400_000,
      },
      {
        name: 'tried',
        text: '0 per minute, burst 0, as a shadow',
        allowed: false,
        blocked: false,
        shadow: true,
        remaining: 0,
        limit: 0,
        retryAfter: null,
        resetAfter: 0,
      },
    ],
    override: null,
  })
})

test('a reset gives a client back what it used, and the list says who did it', async (t) => {
  const who = (request: FastifyRequest) => String(request.headers['x-operator'])
  const lines: string[] = []
  const logger = { level: 'info', stream: { write: (line: string) => lines.push(line) } }
  const { get, call, state } = await openConsole(t, { limits: one, console: { who }, server: { logger } })
  await get('/')
  t.equal((await get('/')).status, 429)
  const operator = { 'x-floodgate-console': '1', 'x-operator': 'ana' }
  const seen = await call('reset', { limiter: 'default', key: KEY }, operator)
  t.match(seen, { status: 200, key: KEY, policies: [{ allowed: true, remaining: 1 }] })
  t.equal((await get('/')).status, 200)
  t.match((await state()).changes, [
    { who: 'ana', verb: 'reset', limiter: 'default', key: KEY, text: 'as new', comment: '' },
  ])
  const logged = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'rate limits changed')
  t.match(logged, [{ who: 'ana', verb: 'reset', limiter: 'default', key: KEY, level: 30 }])
  t.equal(logged.length, 1)
})

/** A console whose log a test reads: the changes in it. */
async function openLogged(t: Test, limits: RateLimitOptions) {
  const lines: string[] = []
  const logger = { level: 'info', stream: { write: (line: string) => lines.push(line) } }
  const opened = await openConsole(t, { limits, console: { who: () => 'ana' }, server: { logger } })
  const logged = () =>
    lines
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'rate limits changed')
      .map(({ verb, limiter, key, text, who, comment }) => [verb, limiter, key, text, who, comment])
  return { ...opened, logged }
}

test('the log has what a call did, also where the list has changes of machines whose clocks are ahead', async (t) => {
  const { app, call, logged } = await openLogged(t, {
    ...one,
    offenders: { show: (key) => key.toUpperCase() },
  })
  const ahead = { at: new Date(Date.now() + 9000), who: 'bob', verb: 'update', limiter: 'api', key: null }
  const list = app.rateLimit.changes.bind(app.rateLimit)
  Object.assign(app.rateLimit, { changes: () => [{ ...ahead, text: '{}', comment: 'other' }, ...list()] })
  const me = { limiter: 'default', key: 'me' }
  const until = '2099-01-01T00:00:00.000Z'
  await call('block', { ...me, period: '1 hour', comment: 'scraper' })
  await call('block', { ...me, period: 60_000 })
  await call('reset', me)
  await call('override', { ...me, policy: { rate: 5 }, until, comment: 'sale' })
  await call('override', { ...me, policy: false })
  await call('override', { ...me, policy: null })
  await call('update', { limiter: 'default', policies: { rate: 7 }, comment: 'too low' })
  await call('update', { limiter: 'default', policies: null })
  const expected = [
    ['block', 'default', 'ME', 'blocked for 1 hour', 'ana', 'scraper'],
    ['block', 'default', 'ME', 'blocked for 60000 ms', 'ana', ''],
    ['reset', 'default', 'ME', 'as new', 'ana', ''],
    ['override', 'default', 'ME', `{"rate":5} until ${until}`, 'ana', 'sale'],
    ['override', 'default', 'ME', 'no limit', 'ana', ''],
    ['override', 'default', 'ME', 'ended', 'ana', ''],
    ['update', 'default', null, '{"rate":7}', 'ana', 'too low'],
    ['update', 'default', null, 'ended', 'ana', ''],
  ]
  t.strictSame(logged(), expected)
  const listed = list().map(({ verb, limiter, text, who, comment }) => [verb, limiter, text, who, comment])
  const inBoth = expected.map(([verb, limiter, , ...rest]) => [verb, limiter, ...rest])
  t.strictSame(listed.reverse(), inBoth, 'in the words of the list')
})

test('a block or a reset that failed is not in the log', async (t) => {
  const late = lateStore(new ManualClock())
  const { call, logged } = await openLogged(t, { store: late.store as never })
  const me = { limiter: 'default', key: 'me' }
  for (const verb of ['block', 'reset']) {
    late.hold()
    const failed = call(verb, verb === 'block' ? { ...me, period: 'hour' } : me)
    await late.asked()
    late.fail()
    t.equal((await failed).status, 500)
  }
  t.strictSame(logged(), [])
  await call('reset', me)
  t.match(logged(), [['reset', 'default']])
})

test('a block denies a client, and says so with its reason', async (t) => {
  const store = memoryStore({ clock: new ManualClock() })
  const { get, call, state } = await openConsole(t, { limits: { store } })
  const seen = await call('block', { limiter: 'default', key: KEY, period: '10 minutes', comment: 'scraper' })
  t.match(seen, { status: 200, policies: [{ allowed: false, blocked: true, remaining: 0 }] })
  t.ok(seen.policies[0].retryAfter > 590_000)
  const { status, headers } = await get('/')
  t.equal(status, 429)
  t.equal(headers.get('retry-after'), '600')
  t.match((await state()).changes, [
    { verb: 'block', who: null, text: 'blocked for 10 minutes', comment: 'scraper' },
  ])
})

test('an override gives one client a policy of its own, until it ends', async (t) => {
  const { get, call, state } = await openConsole(t, { limits: one })
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const policy = { rate: 100, per: 'minute', burst: 50 }
  const seen = await call('override', { limiter: 'default', key: KEY, policy, until, comment: 'sale' })
  const override = { text: '100 per minute, burst 50', until, comment: 'sale' }
  t.match(seen, { status: 200, policies: [{ text: '100 per minute, burst 50', limit: 50 }], override })
  for (let i = 0; i < 5; i++) t.equal((await get('/')).status, 200)
  const { overrides, overridesInForce } = await state()
  t.match(overrides, [{ limiter: 'default', key: KEY, ...override, used: 5 }])
  t.equal(overridesInForce, 1)

  const [{ id }] = overrides
  t.match(await call('look', { limiter: 'default', offender: id }), { key: KEY, override })
  const free = await call('override', { limiter: 'default', offender: id, policy: false })
  t.match(free, { policies: [], override: { text: 'no limit', until: null, comment: '' } })
  t.match(await call('override', { limiter: 'default', offender: id, policy: null }), { override: null })
  t.match(await call('look', { limiter: 'default', offender: id }), {
    status: 404,
    code: 'FST_FLOODGATE_OFFENDER',
  })
})

test('an offender is acted on by its id; its key stays in the server', async (t) => {
  const secret = 'alice@example.com'
  const { app, get, call, state } = await openConsole(t, {
    limits: { ...one, key: user, offenders: {} },
  })
  const visit = async () => (await get('/', { headers: { 'x-user': secret } })).status
  for (let i = 0; i < 3; i++) await visit()
  const text = JSON.stringify(await state())
  t.notMatch(text, secret)
  const [offender] = (await state()).offenders ?? []
  t.match(offender, {
    limiter: 'default',
    denied: 2,
    key: app.rateLimit.showKey('default', secret),
    error: 0,
  })
  t.ok(Date.parse(offender.first) <= Date.parse(offender.last))
  const seen = await call('reset', { limiter: 'default', offender: offender.id })
  t.match(seen, { status: 200, key: offender.key, policies: [{ remaining: 1 }] })
  t.equal(await visit(), 200)
  await call('block', { limiter: 'default', offender: offender.id, period: 'hour' })
  t.equal(await visit(), 429)
  t.notMatch(JSON.stringify(await state()), secret, 'nor do the changes name it')
})

test('an update is previewed, made, seen by clients, and ended', async (t) => {
  const { get, call } = await openConsole(t, { limits: one })
  await get('/')
  t.equal((await get('/')).status, 429)
  const policies = { rate: 100, per: 'minute', burst: 20 }
  t.match(await call('preview', { limiter: 'default', policies }), {
    status: 200,
    before: ['1 per hour, burst 1'],
    after: ['100 per minute, burst 20'],
    changed: true,
  })
  t.equal((await get('/')).status, 429, 'a preview changes nothing')
  const after = await call('update', { limiter: 'default', policies, comment: 'too low' })
  t.match(after, { status: 200, limiters: [{ policies: [{ text: '100 per minute, burst 20' }] }] })
  t.match(after.changes, [{ verb: 'update', limiter: 'default', key: null, comment: 'too low' }])
  t.equal((await get('/')).headers.get('x-ratelimit-limit'), '20')
  await call('update', { limiter: 'default', policies: null })
  t.equal((await get('/')).headers.get('x-ratelimit-limit'), '1')
})

test('what a call may not say is refused with a code, and nothing changes', async (t) => {
  const { app, call, get } = await openConsole(t, { limits: { offenders: {} } })
  const me = { limiter: 'default', key: KEY }
  const cases: [string, unknown, number, string][] = [
    ['look', { limiter: 'nobody', key: 'a' }, 404, 'FST_FLOODGATE_UNKNOWN_LIMITER'],
    ['look', { key: 'a' }, 400, 'FST_FLOODGATE_OPTION'],
    ['preview', { policies: {} }, 400, 'FST_FLOODGATE_OPTION'],
    ['look', { limiter: 'default' }, 400, 'FST_FLOODGATE_OPTION'],
    ['look', { ...me, offender: '0' }, 400, 'FST_FLOODGATE_OPTION'],
    ['look', { limiter: 'default', key: '' }, 400, 'FST_FLOODGATE_KEY'],
    ['look', { limiter: 'default', key: 5 }, 400, 'FST_FLOODGATE_KEY'],
    ['look', { limiter: 'default', offender: 5 }, 400, 'FST_FLOODGATE_OPTION'],
    ['look', { limiter: 'default', offender: '0123456789abcdef' }, 404, 'FST_FLOODGATE_OFFENDER'],
    ['look', { ...me, period: 5 }, 400, 'FST_FLOODGATE_UNKNOWN_OPTION'],
    ['look', null, 400, 'FST_FLOODGATE_OPTION'],
    ['look', [], 400, 'FST_FLOODGATE_OPTION'],
    ['reset', { limiter: 'default', key: '' }, 400, 'FST_FLOODGATE_KEY'],
    ['block', me, 400, 'FST_FLOODGATE_OPTION'],
    ['block', { ...me, period: 'ever' }, 400, 'FST_FLOODGATE_OPTION'],
    ['block', { ...me, period: 'hour', comment: 'x'.repeat(1001) }, 400, 'FST_FLOODGATE_OPTION'],
    ['override', me, 400, 'FST_FLOODGATE_OPTION'],
    ['override', { ...me, policy: { rate: -1 } }, 400, 'FST_FLOODGATE_OPTION'],
    ['override', { ...me, policy: { speed: 1 } }, 400, 'FST_FLOODGATE_UNKNOWN_OPTION'],
    ['override', { ...me, policy: false, until: 'tomorrow' }, 400, 'FST_FLOODGATE_OPTION'],
    ['override', { ...me, policy: false, until: '2020-01-01T00:00:00Z' }, 400, 'FST_FLOODGATE_OPTION'],
    ['preview', { limiter: 'default' }, 400, 'FST_FLOODGATE_OPTION'],
    ['preview', { limiter: 'default', policies: [] }, 400, 'FST_FLOODGATE_OPTION'],
    ['preview', { limiter: 'default', policies: {}, comment: '' }, 400, 'FST_FLOODGATE_UNKNOWN_OPTION'],
    ['preview', { limiter: 'nobody', policies: {} }, 404, 'FST_FLOODGATE_UNKNOWN_LIMITER'],
    ['update', { limiter: 'default', policies: { rate: 'many' } }, 400, 'FST_FLOODGATE_OPTION'],
    ['update', { limiter: 'default', policies: { key: 'global' } }, 400, 'FST_FLOODGATE_OPTION'],
    ['look', '{"limiter":"default","__proto__":{"key":"a"}}', 400, ''],
    ['look', '{', 400, ''],
    ['look', { limiter: 'default', key: 'x'.repeat(70_000) }, 413, 'FST_ERR_CTP_BODY_TOO_LARGE'],
  ]
  for (const [verb, body, status, code] of cases) {
    const { status: got, ...answer } = await call(verb, body)
    const about = `${verb} ${JSON.stringify(body).slice(0, 80)}`
    t.equal(got, status, about)
    t.match(answer, { ...(code && { code }), statusCode: status, error: String, message: String }, about)
  }
  const { message } = await call('look', { limiter: 'default', offender: `<b>\n${'x'.repeat(9000)}` })
  t.ok(message.length < 300, 'what was sent is not sent back as it is')
  t.match(message, "'<b>\\u{a}xxx")
  t.strictSame(app.rateLimit.changes(), [])
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const posted = {
    method: 'POST',
    body: 'limiter=default&key=a',
    headers: { ...form, 'x-floodgate-console': '1' },
  }
  t.equal((await get('/limits/api/look', posted)).status, 415, 'a form cannot call it')
  t.equal((await get('/limits/api/state', { method: 'HEAD' })).status, 404)
})

test('an error handler, a validator and a serializer of the application leave the API alone', async (t) => {
  const build = (app: Parameters<NonNullable<Parameters<typeof openConsole>[1]>['build'] & {}>[0]) => {
    app.setErrorHandler((_error, _request, reply) => reply.code(500).send('ours'))
    app.setValidatorCompiler(() => () => {
      throw new Error('not for your schemas')
    })
    app.setSerializerCompiler(() => () => 'not for your schemas')
  }
  const { call } = await openConsole(t, { build })
  t.match(await call('look', { limiter: 'default', key: 'a' }), { status: 200, limiter: 'default' })
  t.match(await call('look', { limiter: 'nobody', key: 'a' }), { status: 404, statusCode: 404 })
  const text = { 'content-type': 'text/plain', 'x-floodgate-console': '1' }
  const unread = [
    [await call('look', '{'), 400, 'FST_ERR_CTP_INVALID_JSON_BODY', 'Bad Request'],
    [await call('look', 'x'.repeat(70_000)), 413, 'FST_ERR_CTP_BODY_TOO_LARGE', 'Payload Too Large'],
    [await call('look', 'x', text), 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE', 'Unsupported Media Type'],
  ] as const
  for (const [answer, status, code, error] of unread)
    t.match(answer, { status, statusCode: status, code, error, message: String })
})

test('what hooks of operators throw is for the error handler of the application', async (t) => {
  const { get } = await openConsole(t, {
    build: (app) => {
      app.setErrorHandler((error: Error, _request, reply) => reply.code(401).send(`ours: ${error.message}`))
    },
    console: {
      onRequest: async () => {
        throw new Error('who are you')
      },
    },
  })
  const refused = await get('/limits/api/state')
  t.equal(refused.status, 401)
  t.equal(await refused.text(), 'ours: who are you')
})

test('what hooks of operators throw is JSON where the application has no error handler', async (t) => {
  const onRequest = async () => {
    throw Object.assign(new Error('who are you'), { statusCode: 403, code: 'WHO' })
  }
  const { call } = await openConsole(t, { console: { onRequest } })
  t.strictSame(await call('look', { limiter: 'default', key: 'a' }), {
    status: 403,
    statusCode: 403,
    code: 'WHO',
    error: 'Forbidden',
    message: 'who are you',
  })
})

test('where nobody can say who acts, nothing is done', async (t) => {
  for (const who of [
    () => {
      throw new Error('no session')
    },
    () => 'x'.repeat(201),
    () => 5 as unknown as string,
  ]) {
    const { app, call } = await openConsole(t, { console: { who } })
    const reset = await call('reset', { limiter: 'default', key: 'a' })
    t.equal(reset.status, 500)
    t.strictSame(app.rateLimit.changes(), [])
    t.equal((await call('look', { limiter: 'default', key: 'a' })).status, 200, 'to look needs no name')
  }
})

test('keys that attackers send are data, whatever is in them', async (t) => {
  const { app, call, get, state } = await openConsole(t, {
    limits: { ...one, offenders: { show: (key) => key } },
  })
  const keys = [
    '<script>alert(1)</script>',
    '\u202egnp.exe',
    '😀',
    '"\n\u2028</script>',
    '__proto__',
    'x'.repeat(15_000),
  ]
  const shown = (key: string) =>
    key.length > 200 ? `${key.slice(0, 200)}… (${key.length.toLocaleString('en-US')} characters)` : key
  for (const key of keys) {
    for (let i = 0; i < 2; i++) app.rateLimit.get('default').take(key)
    t.match(await call('look', { limiter: 'default', key }), { status: 200, key: shown(key) })
    t.match(await call('override', { limiter: 'default', key, policy: false }), { status: 200 })
  }
  const { offenders, overrides, changes } = await state()
  for (const list of [offenders ?? [], overrides, changes])
    t.same(list.map(({ key }) => key).sort(), keys.map(shown).sort())
  for (const { id, key } of offenders ?? [])
    t.match(await call('block', { limiter: 'default', offender: id, period: 'hour' }), { status: 200, key })
  const { headers } = await get('/limits/api/state')
  t.equal(headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(headers.get('x-content-type-options'), 'nosniff')
  t.equal(headers.get('cache-control'), 'no-store')
})

test('a failure that is nobody’s fault is one for the error handler of the application', async (t) => {
  const late = lateStore(new ManualClock())
  const { call } = await openConsole(t, { limits: { store: late.store as never } })
  late.hold()
  const looked = call('look', { limiter: 'default', key: 'a' })
  await late.asked()
  late.fail()
  t.match(await looked, { status: 500, message: 'no reply' })
})

test('a key is looked up while its limiter changes', async (t) => {
  const late = lateStore(new ManualClock())
  const { app, call } = await openConsole(t, { limits: { store: late.store as never } })
  late.hold()
  const looked = call('look', { limiter: 'default', key: 'a' })
  await late.asked()
  app.rateLimit.update('default', [{ name: 'other', rate: 5 }])
  late.reply()
  t.match(await looked, { status: 200, policies: [{ name: 'default', text: 'default', limit: 10 }] })
})
