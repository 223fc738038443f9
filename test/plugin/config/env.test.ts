import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { readEnv } from '../../../lib/plugin/config/env.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

const RATE = 'HANDOFFKIT_API_RATE_LIMIT_PER_MIN'
const BURST = 'HANDOFFKIT_API_BURST'

/** Registers with what the environment says, which is put back afterwards. */
async function registered(t: Test, variables: Record<string, string>, options: RateLimitOptions = {}) {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.teardown(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
  const app = Fastify()
  t.teardown(() => app.close())
  const store = memoryStore({ clock: new ManualClock() })
  await app.register(rateLimit, { env: 'HANDOFFKIT_API_', store, ...options })
  app.get('/', () => 'ok')
  return app
}

test('rate 1 and burst 1 from the environment admit one request and ask the next to wait 60 seconds', async (t) => {
  const app = await registered(t, { [RATE]: '1', [BURST]: '1' })
  t.equal((await app.inject('/')).statusCode, 200)
  const denied = await app.inject('/')
  t.equal(denied.statusCode, 429)
  t.equal(denied.headers['retry-after'], '60')
})

test('the environment wins over rate, per and burst of the code', async (t) => {
  const app = await registered(t, { [RATE]: '30', [BURST]: '5' }, { rate: 7, per: 'day', burst: 3 })
  t.match(app.rateLimit.get('default').policies, [{ rate: 30, per: 60_000, limit: 5 }])
})

test('a burst from the environment leaves the rate of the code as it is', async (t) => {
  const app = await registered(t, { [BURST]: '5' }, { rate: 7, per: 'hour' })
  t.match(app.rateLimit.get('default').policies, [{ rate: 7, per: 3_600_000, limit: 5 }])
})

test('a rate from the environment leaves the burst of the code as it is, and brings its own period', async (t) => {
  const app = await registered(t, { [RATE]: '30' }, { rate: 7, per: 'hour', burst: 3 })
  t.match(app.rateLimit.get('default').policies, [{ rate: 30, per: 60_000, limit: 3 }])
})

test('policies that inherit from the default limiter inherit what the environment says', async (t) => {
  const app = await registered(t, { [RATE]: '30', [BURST]: '5' }, { limiters: { login: { rate: 6 } } })
  t.match(app.rateLimit.get('login').policies, [{ rate: 6, per: 60_000, limit: 5 }])
})

test('without the option `env` the environment has no say', async (t) => {
  const app = await registered(t, { [RATE]: 'abc', [BURST]: '1' }, { env: undefined })
  t.match(app.rateLimit.get('default').policies, [{ rate: 100, limit: 10 }])
})

for (const value of [
  'abc',
  '',
  '0',
  '-1',
  '1.5',
  ' 5',
  '5 ',
  '1e3',
  '0x10',
  '05',
  '+5',
  'NaN',
  '٥',
  '5\n',
  '9'.repeat(17),
]) {
  for (const variable of [RATE, BURST]) {
    test(`${variable}=${JSON.stringify(value)} refuses to start, and says which variable and value`, async (t) => {
      const error = await registered(t, { [variable]: value }).catch((error) => error)
      t.equal(error.code, 'FST_FLOODGATE_ENV')
      const shown = value.replace('\n', '\\u{a}')
      t.ok(
        error.message.startsWith(
          `environment variable ${variable} is '${shown}'; allowed: a positive integer, at most `,
        ),
      )
    })
  }
}

for (const [variable, value] of [
  [RATE, '60000001'],
  [BURST, '2147483648'],
]) {
  test(`${variable}=${value} is more than a policy can hold, and the variable is what the error names`, async (t) => {
    const started = registered(t, { [variable]: value })
    await t.rejects(started, { code: 'FST_FLOODGATE_ENV', message: `${variable} is '${value}'` })
  })
}

test('a burst from the environment is an error with a sliding window', async (t) => {
  const started = registered(t, { [BURST]: '5' }, { algorithm: 'sliding-window' })
  await t.rejects(started, { code: 'FST_FLOODGATE_OPTION', message: /'burst' is 5.*sliding-window/ })
})

test('any prefix will do, the empty one included', (t) => {
  t.same(readEnv('', { RATE_LIMIT_PER_MIN: '7' }), { rate: 7, per: 'minute' })
  t.same(readEnv('X_', { RATE_LIMIT_PER_MIN: '7', BURST: '8' }), {})
  t.end()
})
