import type { FastifyRequest } from 'fastify'
import { test } from 'tap'
import type { RateLimitOptions, RouteRateLimit } from '../../../lib/index.js'
import { ask, left, limited, ok, only, tracer, user } from './support.js'

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
  nothing: () => undefined,
  true: () => true,
  'a policy object': () => only(1),
  'a name that objects have': () => 'constructor',
}

for (const [what, choose] of Object.entries(WRONG)) {
  test(`a route config that returns ${what} is a coded error of the server, not a free pass`, async (t) => {
    const app = await limited(OPTIONS)
    app.get('/', { config: { rateLimit: choose as Choose } }, ok)
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 500)
    t.equal(reply.json().code, 'FST_FLOODGATE_UNKNOWN_LIMITER')
  })
}

for (const [what, choose] of Object.entries({
  throws: () => {
    throw new Error('no plan')
  },
  rejects: async () => {
    throw new Error('no plan')
  },
})) {
  test(`a route config that ${what} is an error of the server, not a free pass`, async (t) => {
    const app = await limited(OPTIONS)
    app.get('/', { config: { rateLimit: choose } }, ok)
    const reply = await app.inject('/')
    t.equal(reply.statusCode, 500)
    t.equal(reply.json().message, 'no plan')
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
  const app = await limited()
  app.get('/', { config: { rateLimit: () => 'new' } }, ok)
  t.same(await ask(app, 'GET /'), ['500 -'])
  app.rateLimit.define('new', only(1))
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
})
