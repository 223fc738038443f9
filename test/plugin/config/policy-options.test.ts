import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'

const OPTION = 'FST_FLOODGATE_OPTION'
const KEY = 'FST_FLOODGATE_UNKNOWN_KEY'

const key = () => 'x'

/** A wrong value, the options, the code, and what the message must say. */
type Misuse = [string, object, string, RegExp]

const notRates = [
  '100',
  Number.NaN,
  -1,
  1.5,
  0.5,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  60_000_001,
  null,
  true,
  [5],
  5n,
]
const notBursts = [0, -1, 1.5, '5', Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, null, true]
const notPeriods = [
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'fortnight',
  '0 minutes',
  '-1 hour',
  '367 days',
  null,
  true,
  {},
]
const notCosts = [-1, 0.5, Number.NaN, '1', Number.POSITIVE_INFINITY, null, true, {}]
const notKeys = [5, null, true, '', {}, ['ip']]

const rows = (values: unknown[], option: string, code: string, wrap: (value: unknown) => object): Misuse[] =>
  values.map((value) => [`${typeof value} ${value}`, wrap(value), code, new RegExp(`'${option}'.*(: | is )`)])

const VALUES: Misuse[] = [
  ...rows(notRates, 'rate', OPTION, (rate) => ({ rate })),
  ...rows(notBursts, 'burst', OPTION, (burst) => ({ burst })),
  ...rows(notPeriods, 'per', OPTION, (per) => ({ per })),
  ...rows(notCosts, 'cost', OPTION, (cost) => ({ cost })),
  ...rows(notKeys, 'key', KEY, (key) => ({ key })),
  ...rows([null, 5, true], 'hook', OPTION, (hook) => ({ hook })),
  ...rows([null, 5, ''], 'algorithm', OPTION, (algorithm) => ({ algorithm })),
  ...rows(notRates, 'limiters\\.x\\.rate', OPTION, (rate) => ({ limiters: { x: { rate } } })),
  ...rows(notKeys, 'limiters\\.x\\.key', KEY, (key) => ({ limiters: { x: { key } } })),
  ...rows(notCosts, 'limiters\\.x\\.cost', OPTION, (cost) => ({ limiters: { x: { cost } } })),
  ...rows(['5', Number.NaN, null], 'guard\\.rate', OPTION, (rate) => ({ guard: { rate } })),
  ...rows([0, '', null], 'guard\\.per', OPTION, (per) => ({ guard: { per } })),
  ...rows([null, '', 'é', 'a\nb', 'a'.repeat(129), 5], 'limiters\\.x\\.name', OPTION, (name) => ({
    limiters: { x: { name } },
  })),
  ...rows([-1, 0.5, '1', Number.NaN, null], 'maxWaiting', OPTION, (maxWaiting) => ({ maxWaiting })),
  ...rows(['all', true, null, 5], 'charge', OPTION, (charge) => ({ charge })),
  ...rows([200, '503', null], 'status', OPTION, (status) => ({ status })),
  ...rows([0, 129, 64.5, '64', Number.NaN, null], 'ipv6Prefix', OPTION, (ipv6Prefix) => ({ ipv6Prefix })),
]

for (const [value, options, code, message] of VALUES) {
  test(`refused: ${value} (${message.source})`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    const error = await app.register(rateLimit, options as RateLimitOptions).then(
      () => null,
      (error) => error,
    )
    t.equal(error?.code, code)
    t.match(error?.message, message)
  })
}

const GOOD: RateLimitOptions[] = [
  {},
  { rate: 0 },
  { rate: 0, burst: 5 },
  { rate: 5, burst: 1000 },
  { rate: 1, per: 'day' },
  { rate: 1_000_000, per: 'second' },
  { per: 0.5, rate: 1 },
  { per: '1.5h' },
  { cost: 0 },
  { cost: () => 1, hook: 'preHandler' },
  { keys: { 'api-key_2': key }, key: 'api-key_2' },
  { key },
  { exempt: ['*'] },
  { exempt: ['/', '/docs/*'] },
  { headers: [], body: 'fastify', ipv6Prefix: 1 },
  { headers: ['x-ratelimit', 'x-ratelimit'] },
  { limiters: { 'a name with spaces': {}, constructor: { rate: 5 } } },
  { rate: undefined, per: undefined, burst: undefined, key: undefined, cost: undefined, hook: undefined },
  {
    guard: undefined,
    limiters: undefined,
    keys: undefined,
    allow: undefined,
    store: undefined,
    env: undefined,
  },
]

for (const options of GOOD) {
  test(`accepted: ${JSON.stringify(options)}`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(rateLimit, options)
    await app.ready()
    t.ok(app.rateLimit.has('default'))
  })
}
