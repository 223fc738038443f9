import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import type { RateLimitOptions, RouteRateLimit } from '../../../lib/index.js'
import { ask, left, limited, ok, only, tracer, user } from '../support/app.js'
import { codes, emitted } from '../support/warnings.js'

const OPTIONS: RateLimitOptions = {
  ...only(9),
  limiters: {
    free: only(1),
    pro: { ...only(3), key: user },
    late: { ...only(2), hook: 'preHandler' },
    later: { ...only(2), key: user, hook: 'preValidation' },
  },
}

type Choose = Extract<RouteRateLimit, (request: FastifyRequest) => unknown>

const CHOICES: { what: string; choose: Choose; answers: string[] }[] = [
  { what: 'a name', choose: () => 'free', answers: ['200 0', '429 0', '429 0'] },
  { what: "'default'", choose: () => 'default', answers: ['200 8', '200 7', '200 6'] },
  { what: 'a promise of a name', choose: async () => 'free', answers: ['200 0', '429 0', '429 0'] },
  {
    what: 'a promise kept late',
    choose: () => new Promise((resolve) => setImmediate(resolve, 'free')),
    answers: ['200 0', '429 0', '429 0'],
  },
  { what: 'a limiter by user', choose: () => 'pro', answers: ['200 2', '200 1', '200 0'] },
  { what: "a limiter with hook: 'preHandler'", choose: () => 'late', answers: ['200 1', '200 0', '429 0'] },
  {
    what: "a promise of one with hook: 'preValidation'",
    choose: async () => 'later',
    answers: ['200 1', '200 0', '429 0'],
  },
  { what: 'false', choose: () => false, answers: ['200 -', '200 -', '200 -'] },
  { what: 'a promise of false', choose: async () => false as const, answers: ['200 -', '200 -', '200 -'] },
]

for (const { what, choose, answers } of CHOICES) {
  test(`a route config that returns ${what} is followed`, async (t) => {
    const app = await limited(OPTIONS)
    app.get('/', { config: { rateLimit: choose } }, ok)
    t.same(await ask(app, 'GET /', 'GET /', 'GET /'), answers)
  })
}

const WRONG: Record<string, () => unknown> = {
  'an unknown name': () => 'nope',
  'a promise of an unknown name': async () => 'nope',
  'an empty name': () => '',
  'a name that objects have': () => 'constructor',
  'a name with the case of another': () => 'FREE',
  'the name of the guard': () => 'guard',
  'the name of a limiter that a route describes': () => 'GET /own',
  'the name of a limiter that a hook describes': () => 'hook',
  nothing: () => undefined,
  null: () => null,
  true: () => true,
  'a number': () => 1,
  'a list with an unknown name': () => ['free', 'nope'],
}

for (const [what, choose] of Object.entries(WRONG)) {
  test(`a route config that returns ${what} is charged to the default limiter, and warned of once`, async (t) => {
    const list = emitted(t)
    const app = await limited({ ...OPTIONS, guard: only(9) })
    app.get('/own', { config: { rateLimit: only(5) }, preHandler: app.rateLimit.hook(only(5)) }, ok)
    app.get('/', { config: { rateLimit: choose as Choose } }, ok)
    t.same(await ask(app, 'GET /', 'GET /'), ['200 8', '200 7'])
    t.equal(left(app), 7)
    t.equal(left(app, 'GET /own'), 5)
    t.equal(left(app, 'hook'), 5)
    t.equal(left(app, 'guard'), 7)
    t.same(codes(list), ['W009'])
  })
}

test('what is charged for an unknown name runs where the default limiter runs', async (t) => {
  emitted(t)
  const trace: string[] = []
  const { hook, cost } = tracer(trace)
  const app = await limited({ ...only(1), hook: 'preHandler', cost: cost('default') })
  app.get('/', { config: { rateLimit: () => 'nope' }, preHandler: hook('preHandler') }, ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  t.same(trace, ['preHandler', 'default', 'preHandler', 'default'])
})

test('a client that names limiters gets no names, from the answer or from the log', async (t) => {
  const list = emitted(t)
  const lines: string[] = []
  const logger = { level: 'trace', stream: { write: (line: string) => void lines.push(line) } }
  const app = await limited({ ...only(1), limiters: { secret: only(9) } }, { logger })
  const config = { rateLimit: (request: FastifyRequest) => request.headers['x-plan'] as string }
  app.get('/plan/:id', { config }, ok)
  app.get('/other', { config }, ok)
  const plan = (url: string, name: string) => app.inject({ url, headers: { 'x-plan': name } })
  const replies = [await plan('/plan/1', 'sekret'), await plan('/plan/2', 'guard'), await plan('/other', 'x')]
  t.same(
    replies.map(({ statusCode }) => statusCode),
    [200, 429, 429],
  )
  for (const { body, headers } of replies) t.notMatch(`${body} ${JSON.stringify(headers)}`, /secret|sekret/)
  t.notMatch(lines.join(''), /secret|sekret|"err"/)
  t.same(codes(list), ['W009', 'W009'], 'one for each route')
  t.match(list[0].message, 'of the route /plan/:id returned')
  t.notMatch(list[0].message, /secret|sekret|guard/)
})

test('W009 can be switched off', async (t) => {
  const list = emitted(t)
  const app = await limited({ ...only(1), warnings: { FST_FLOODGATE_W009: false } })
  app.get('/', { config: { rateLimit: () => 'nope' } }, ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
  t.same(codes(list), [])
})

for (const [what, choose] of Object.entries({
  throws: () => {
    throw new Error('no plan')
  },
  rejects: async () => {
    throw new Error('no plan')
  },
  'throws no error': () => {
    throw 'no plan'
  },
})) {
  test(`a route config that ${what} is charged to the default limiter, and warned of once`, async (t) => {
    const list = emitted(t)
    const app = await limited(OPTIONS)
    app.get('/', { config: { rateLimit: choose } }, ok)
    t.same(await ask(app, 'GET /', 'GET /'), ['200 8', '200 7'])
    t.same(codes(list), ['W017'])
    t.match(list[0].message, /config.rateLimit of the route \/ failed.*Reason: (Error|string)\./)
    t.notMatch(list[0].message, 'no plan')
  })
}

test('a route config function is called once a request, where the user is known and the body is unread', async (t) => {
  const trace: string[] = []
  const { hook, parsing, cost } = tracer(trace)
  const app = await limited({
    limiters: {
      now: { ...only(1), cost: cost('now') },
      late: { ...only(1), hook: 'preHandler', cost: cost('late') },
    },
  })
  const hooks = {
    onRequest: hook('onRequest'),
    preParsing: parsing('preParsing'),
    preValidation: hook('preValidation'),
    preHandler: hook('preHandler'),
  }
  for (const name of ['now', 'late']) {
    const choose = () => {
      trace.push('choose')
      return name
    }
    app.post(`/${name}`, { ...hooks, config: { rateLimit: choose } }, ok)
  }
  await ask(app, 'POST /now')
  t.same(trace.splice(0), ['onRequest', 'choose', 'now', 'preParsing', 'preValidation', 'preHandler'])
  t.same(await ask(app, 'POST /now'), ['429 0'])
  t.same(trace.splice(0), ['onRequest', 'choose', 'now'])
  await ask(app, 'POST /late')
  t.same(trace, ['onRequest', 'choose', 'preParsing', 'preValidation', 'preHandler', 'late'])
})

test('each request of a route gets the limiter chosen for it', async (t) => {
  const app = await limited(OPTIONS)
  app.get('/', { config: { rateLimit: (request) => (user(request) === 'ann' ? 'pro' : 'free') } }, ok)
  const ann = { url: '/', headers: { 'x-user': 'ann' } }
  t.same(await ask(app, 'GET /', ann, 'GET /', ann), ['200 0', '200 2', '429 0', '200 1'])
})

test('the guard counts the requests of a route whose limiter is chosen, also when the choice is false', async (t) => {
  const app = await limited({ guard: only(2) })
  app.get('/', { config: { rateLimit: () => false } }, ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
  t.equal(left(app), 10)
})

test('a limiter defined after ready can be chosen', async (t) => {
  emitted(t)
  const app = await limited(only(5))
  app.get('/', { config: { rateLimit: () => 'new' } }, ok)
  t.same(await ask(app, 'GET /'), ['200 4'], 'until then the default limiter is charged')
  app.rateLimit.define('new', only(1))
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
})
