import Fastify, { type FastifyInstance, type FastifyRequest, type RouteShorthandOptions } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit from '../../lib/index.js'
import { Internals } from '../../lib/plugin/internals.js'

/** A request as a version of Fastify would give it that hides its context from us. */
const opaque = { routeOptions: { config: { url: '/opaque' } } } as unknown as FastifyRequest

test('where Fastify hides its context, the config is read in public and the rest says no', (t) => {
  const internals = new Internals()
  t.equal(internals.config(opaque), opaque.routeOptions.config)
  t.equal(internals.answersPlainly(opaque, 429), false)
  t.equal(
    internals.appendHook(opaque, 'preHandler', () => {}),
    false,
  )
  t.same(internals.otherServers({} as FastifyInstance), [])
  t.end()
})

/** What a check says about a real request of an app, asked in its handler. */
async function ask<T>(
  t: Test,
  app: FastifyInstance,
  check: (request: FastifyRequest) => T,
  route: RouteShorthandOptions = {},
) {
  t.teardown(() => app.close())
  let answer: T | undefined
  app.addHook('onRequest', async (request) => {
    answer = check(request)
  })
  app.get('/', route, () => 'ok')
  await app.inject('/')
  return answer
}

test('the config of a route is the very object that its hooks see', async (t) => {
  const internals = new Internals()
  const same = await ask(t, Fastify(), (request) => internals.config(request) === request.routeOptions.config)
  t.equal(same, true)
})

test('an app with nothing but Fastify is answered plainly', async (t) => {
  t.equal(await ask(t, Fastify(), (request) => new Internals().answersPlainly(request, 429)), true)
})

test('an error handler of the app or of the route is never bypassed, whatever its name', async (t) => {
  const app = Fastify()
  function defaultErrorHandler() {}
  app.setErrorHandler(defaultErrorHandler)
  t.equal(await ask(t, app, (request) => new Internals().answersPlainly(request, 429)), false)
  t.equal(
    await ask(t, Fastify(), (request) => new Internals().answersPlainly(request, 429), {
      errorHandler: defaultErrorHandler,
    }),
    false,
  )
})

test('hooks are added after those that a route has, in a list of its own', async (t) => {
  const order: string[] = []
  const app = Fastify()
  const hook = (name: string) => async () => {
    order.push(name)
  }
  const own = [hook('own')]
  app.addHook('onRequest', async (request) => {
    const internals = new Internals()
    if (request.routeOptions.config.url !== '/hooks') return
    internals.appendHook(request, 'preHandler', hook('last'))
    internals.appendHook(request, 'preValidation', hook('only'))
  })
  app.get('/hooks', { preHandler: own }, () => 'ok')
  t.teardown(() => app.close())
  await app.inject('/hooks')
  t.same(order, ['only', 'own', 'last'])
  t.equal(own.length, 1)
})

test('where Fastify hides its context, an early route that needs a hook says so instead of going unlimited', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const config = { rateLimit: { rate: 1, hook: 'preHandler' as const } }
  app.get('/early', { config }, () => t.fail('must not be reached'))
  await app.register(rateLimit)
  app.get('/late', { config: { rateLimit: { ...config.rateLimit } } }, () => 'ok')
  await app.ready()
  // No version of Fastify that we can install does it.
  t.intercept(Object, 'getOwnPropertySymbols', { value: () => [] })
  const early = await app.inject('/early')
  t.match(early.json(), { statusCode: 500, code: 'FST_FLOODGATE_EARLY_ROUTE', message: /^route \/early was/ })
  t.equal((await app.inject('/late')).statusCode, 200)
  t.equal((await app.inject('/late')).statusCode, 429)
})
