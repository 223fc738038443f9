import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, {
  type LimiterName,
  type RateLimitOptions,
  type RouteRateLimit,
} from '../../../lib/index.js'

async function registered(t: Test, options: RateLimitOptions = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, options)
  return app
}

/** What is thrown, if anything. */
function thrown(act: () => unknown): unknown {
  try {
    act()
    return null
  } catch (error) {
    return error
  }
}

const ROUTE_MISUSES: [string, unknown, string, RegExp][] = [
  ['true', true, 'FST_FLOODGATE_OPTION', /config\.rateLimit of GET \/x' is true; allowed: false, the name/],
  ['null', null, 'FST_FLOODGATE_OPTION', /config\.rateLimit of GET \/x' is null/],
  ['a number', 5, 'FST_FLOODGATE_OPTION', /config\.rateLimit of GET \/x' is 5/],
  ['an empty list', [], 'FST_FLOODGATE_OPTION', /config\.rateLimit of GET \/x' is an empty list/],
  ['a limiter twice', ['default', 'default'], 'FST_FLOODGATE_OPTION', /is 'default'; .*without repetition/],
  ['the guard', 'guard', 'FST_FLOODGATE_OPTION', /is 'guard'; allowed: .* other than 'guard'/],
  ['false in a list', ['default', false], 'FST_FLOODGATE_OPTION', /rateLimit\[1\]' is false/],
  ['a number in a list', ['default', 5], 'FST_FLOODGATE_OPTION', /rateLimit\[1\]' is 5/],
  ['a list in a list', [['default']], 'FST_FLOODGATE_OPTION', /rateLimit\[0\]/],
  ['a misspelt option', { rte: 5 }, 'FST_FLOODGATE_UNKNOWN_OPTION', /'rateLimit\.rte'; did you mean 'rate'/],
  ['max', { max: 5 }, 'FST_FLOODGATE_UNKNOWN_OPTION', /'rateLimit\.max'/],
  ['a wrong rate', { rate: '5' }, 'FST_FLOODGATE_OPTION', /'rateLimit\.rate' is '5'/],
  ['a null rate', { rate: null }, 'FST_FLOODGATE_OPTION', /'rateLimit\.rate' is null/],
  ['a wrong rate in a list', [{ rate: Number.NaN }], 'FST_FLOODGATE_OPTION', /'rateLimit\[0\]\.rate' is NaN/],
  ['a wrong period', { per: 'fortnight' }, 'FST_FLOODGATE_OPTION', /'rateLimit\.per' is 'fortnight'/],
  ['a wrong cost', { cost: -1 }, 'FST_FLOODGATE_OPTION', /'rateLimit\.cost' is -1/],
  ['an unknown strategy', { key: 'ipp' }, 'FST_FLOODGATE_UNKNOWN_KEY', /'rateLimit\.key'.*did you mean 'ip'/],
  ['a misspelt hook', { hook: 'prehandler' }, 'FST_FLOODGATE_OPTION', /'rateLimit\.hook' is 'prehandler'/],
  [
    'a burst of a window',
    { algorithm: 'sliding-window', burst: 5 },
    'FST_FLOODGATE_OPTION',
    /'rateLimit\.burst' is 5/,
  ],
]

for (const [what, config, code, message] of ROUTE_MISUSES) {
  test(`a route config of ${what} throws ${code} where the route is declared`, async (t) => {
    const app = await registered(t)
    const declare = () => app.get('/x', { config: { rateLimit: config as RouteRateLimit } }, () => 'ok')
    t.match(thrown(declare), { code, message })
  })
}

for (const config of ['logn', ['default', 'logn'], [{ rate: 5 }, 'logn']]) {
  test(`the unknown limiter in ${JSON.stringify(config)} is refused at ready(), with the route and the nearest name`, async (t) => {
    const app = await registered(t, { limiters: { login: {} } })
    app.get('/x', { config: { rateLimit: config as LimiterName } }, () => 'ok')
    const error = await app.ready().then(
      () => null,
      (error) => error,
    )
    t.equal(error?.code, 'FST_FLOODGATE_UNKNOWN_LIMITER')
    t.match(error?.message, /'logn'; did you mean 'login'\?/)
    t.match(error?.message, /(route|of) .*GET \/x/, 'or nobody finds it in an app of 200 routes')
  })
}

for (const name of ['GET /own', 'hook']) {
  test(`a limiter that was made for ${name} cannot be named by another route`, async (t) => {
    const app = await registered(t)
    app.get(
      '/own',
      { config: { rateLimit: { rate: 5 } }, preHandler: app.rateLimit.hook({ rate: 5 }) },
      () => 'ok',
    )
    app.get('/x', { config: { rateLimit: name } }, () => 'ok')
    await t.rejects(async () => app.ready(), {
      code: 'FST_FLOODGATE_UNKNOWN_LIMITER',
      message: `no limiter is called '${name}'; known: default; needed by config.rateLimit of GET /x`,
    })
  })
}

test('a limiter may be defined after the route that names it', async (t) => {
  const app = await registered(t)
  app.get('/x', { config: { rateLimit: ['default', 'late'] } }, () => 'ok')
  app.rateLimit.define('late', { rate: 1 })
  t.equal((await app.inject('/x')).statusCode, 200)
  t.equal((await app.inject('/x')).statusCode, 429)
})
