import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { test } from 'tap'
import rateLimit from '../../../../lib/index.js'
import { ask, CLIENT, frozenStore, only } from '../../support/app.js'
import { codes, emitted } from '../../support/warnings.js'
import { type Check, sub, WAYS, type Way } from './ways.js'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

type Hook = (typeof HOOKS)[number]

/** The limiter of a newcomer: a key, and no further option about the moment. */
async function limit(scope: FastifyInstance): Promise<void> {
  await scope.register(rateLimit, { ...only(2), key: sub, guard: only(100), store: frozenStore() })
}

/** A hook that lets go on who is not known, as on a page that is there for guests, too. */
function optional(hook: Hook, check: Check) {
  const run: Check = (request, reply, done) =>
    check(request, reply, () => {
      reply.code(200)
      done()
    })
  const parsing = (request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: () => void) =>
    run(request, reply, done)
  return hook === 'preParsing' ? parsing : run
}

async function addHook(scope: FastifyInstance, hook: Hook, way: Way): Promise<void> {
  scope.addHook(hook as 'onRequest', optional(hook, await way.setUp(scope)) as Check)
}

const handler = async (request: FastifyRequest) => request.rateLimit?.key

const route = (scope: FastifyInstance, options = {}) => void scope.post('/', options, handler)

const routeWithHook = async (scope: FastifyInstance, hook: Hook, way: Way) =>
  route(scope, { [hook]: optional(hook, await way.setUp(scope)) })

/** Where the hook stands, and when the limiter is loaded. */
const PLACES: Record<string, (app: FastifyInstance, hook: Hook, way: Way) => Promise<unknown>> = {
  'a hook of the route': async (app, hook, way) => {
    await limit(app)
    await routeWithHook(app, hook, way)
  },
  'the second hook of the route': async (app, hook, way) => {
    await limit(app)
    const check = await way.setUp(app)
    route(app, { [hook]: [optional(hook, (_request, _reply, done) => done()), optional(hook, check)] })
  },
  'an inherited hook, older than the limiter': async (app, hook, way) => {
    await addHook(app, hook, way)
    await limit(app)
    route(app)
  },
  'an inherited hook, younger than the limiter': async (app, hook, way) => {
    await limit(app)
    await addHook(app, hook, way)
    route(app)
  },
  'an inherited hook, younger than the route': async (app, hook, way) => {
    await limit(app)
    const check = await way.setUp(app)
    route(app)
    app.addHook(hook as 'onRequest', optional(hook, check) as Check)
  },
  'an inherited hook, where the route and the limiter are in a plugin': async (app, hook, way) => {
    await addHook(app, hook, way)
    app.register(async (scope) => {
      await limit(scope)
      route(scope)
    })
  },
  'an inherited hook, where the route is in a plugin of a plugin': async (app, hook, way) => {
    await limit(app)
    app.register(async (scope) => {
      await addHook(scope, hook, way)
      scope.register(async (inner) => route(inner))
    })
  },
  'an inherited hook of a plugin that loads after the limiter': async (app, hook, way) => {
    await limit(app)
    app.register(async (scope) => {
      await addHook(scope, hook, way)
      route(scope)
    })
  },
  'an inherited hook of a plugin that has loaded before the limiter': async (app, hook, way) => {
    await app.register(async (scope) => {
      await addHook(scope, hook, way)
      route(scope)
    })
    await limit(app)
  },
  'a hook of a route in a plugin that loads after the limiter': async (app, hook, way) => {
    await limit(app)
    app.register(async (scope) => routeWithHook(scope, hook, way))
  },
  'a hook of a route in a plugin that has loaded before the limiter': async (app, hook, way) => {
    await app.register(async (scope) => routeWithHook(scope, hook, way))
    await limit(app)
  },
  'a hook that an onRoute hook adds to each route': async (app, hook, way) => {
    await limit(app)
    const check = await way.setUp(app)
    app.addHook('onRoute', (options) => {
      if (options.url === '/') Object.assign(options, { [hook]: optional(hook, check) })
    })
    route(app)
  },
}

for (const [name, way] of Object.entries(WAYS)) {
  for (const hook of HOOKS) {
    for (const [place, arrange] of Object.entries(PLACES)) {
      test(`${name} in ${hook} as ${place}: users are limited apart, and guests by IP`, async (t) => {
        const warnings = emitted(t)
        const app = Fastify()
        t.teardown(() => app.close())
        await arrange(app, hook, way)
        await app.ready()
        const from = (headers = {}) => ({ method: 'POST', url: '/', payload: { a: 1 }, headers }) as const
        const ann = from(await way.headersOf(app, 'ann'))
        const bob = from(await way.headersOf(app, 'bob'))

        t.equal((await app.inject(ann)).body, 'ann')
        t.same(await ask(app, ann, ann, bob, ann), ['200 0', '429 0', '200 1', '429 0'])
        t.same(codes(warnings), [], 'nobody was counted by IP')

        t.equal((await app.inject(from())).body, CLIENT)
        t.same(await ask(app, from(), from(), bob, bob), ['200 0', '429 0', '200 0', '429 0'])
        t.same(codes(warnings), ['W002'], 'guests were')
      })
    }
  }
}
