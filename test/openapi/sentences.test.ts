import { test } from 'tap'
import { describeLimits, type Limit } from '../../lib/openapi/sentences.js'
import { compilePolicy } from '../../lib/policy/index.js'
import type { PolicyOptions } from '../../types/index.js'

const limit = (options: PolicyOptions, rest: Partial<Limit> = {}): Limit => ({
  policy: compilePolicy(options, 'default'),
  key: 'ip',
  cost: 1,
  isGuard: false,
  status: 429,
  ...rest,
})
const describe = (options: PolicyOptions, rest?: Partial<Limit>) =>
  describeLimits([limit(options, rest)], false)

const window = 'sliding-window'

const POLICIES: [PolicyOptions, string][] = [
  [{ rate: 100, burst: 10 }, 'At most 100 requests a minute, 10 at once'],
  [{ rate: 1000, per: 'hour', burst: 999 }, 'At most 1,000 requests an hour, 999 at once'],
  [{ rate: 100, per: '15 minutes' }, 'At most 100 requests in 15 minutes, 10 at once'],
  [{ rate: 100, burst: 1 }, 'At most 100 requests a minute, 1 at once'],
  [{ rate: 5 }, 'At most 5 requests a minute on average, 5 at once'],
  [{ rate: 5, per: '2 days', burst: 50 }, 'At most 5 requests in 2 days on average, 50 at once'],
  [{ rate: 1, per: 'second' }, 'At most 1 request a second'],
  [{ rate: 1, per: '10s', burst: 2 }, 'At most 1 request in 10 seconds on average, 2 at once'],
  [{ algorithm: window, rate: 5, per: '15 minutes' }, 'At most 5 requests in any 15 minutes'],
  [{ algorithm: window, rate: 1, per: 'day' }, 'At most 1 request in any day'],
  [{ algorithm: window, rate: 30, per: 'hour' }, 'At most 30 requests in any hour'],
]
for (const [options, text] of POLICIES) {
  test(`in words: ${text}`, async (t) => t.equal(describe(options), `${text}, for each client address.`))
}

const PERIODS: [number, string][] = [
  [0.5, '0.5 milliseconds'],
  [1, 'millisecond'],
  [999, '999 milliseconds'],
  [1000, 'second'],
  [1500.5, '1.5005 seconds'],
  [59_000, '59 seconds'],
  [90_000, '90 seconds'],
  [90 * 60_000, '90 minutes'],
  [36 * 3_600_000, '36 hours'],
  [7 * 86_400_000, '7 days'],
]
for (const [per, text] of PERIODS) {
  test(`a period of ${per} ms is called ${text}`, async (t) =>
    t.match(describe({ algorithm: window, rate: 1, per }), `in any ${text}, for`))
}

const KEYS: [string | null, string][] = [
  ['ip', 'each client address'],
  ['global', 'all clients together'],
  [null, 'each client'],
  ['user', 'each user'],
  ['apiKey', 'each API key'],
  ['user-id', 'each user ID'],
  ['Tenant_URL2', 'each tenant URL 2'],
  ['JWTSubject', 'each JWT subject'],
]
for (const [key, text] of KEYS) {
  test(`limits by ${key ?? 'a function'} are for ${text}`, async (t) =>
    t.equal(describe({ rate: 100 }, { key }), `At most 100 requests a minute, 10 at once, for ${text}.`))
}

test('where a request does not cost one unit, the sentence counts units', async (t) => {
  const rest = ', for each client address'
  t.equal(
    describe({ rate: 100 }, { cost: 5 }),
    `At most 100 units a minute, 10 at once${rest}; a request costs 5.`,
  )
  t.equal(
    describe({ rate: 9 }, { cost: 0 }),
    `At most 9 units a minute on average, 9 at once${rest}; a request costs 0.`,
  )
  t.equal(
    describe({ algorithm: window, rate: 100 }, { cost: null }),
    `At most 100 units in any minute${rest}; what a request costs depends on it.`,
  )
})

test('a rate of 0 and a cost that never fits allow no request', async (t) => {
  t.equal(describe({ rate: 0 }), 'No request is allowed.')
  t.equal(describe({ rate: 0 }, { cost: null }), 'No request is allowed.')
  t.equal(describe({ rate: 100, burst: 4 }, { cost: 5 }), 'No request is allowed.')
})

test('what is in progress, held requests and blocks have sentences, too', async (t) => {
  const beginning = 'At most 20 requests in progress, for each client address.'
  t.equal(describe({ algorithm: 'concurrency', limit: 20 }), beginning)
  const two = { rate: 60, burst: 5, wait: '2 seconds' } as const
  const held = 'At most 60 requests a minute, 5 at once, for each client address.'
  t.equal(describe(two), `${held} A request may be held for up to 2 seconds.`)
  t.equal(
    describe({ ...two, block: '1 hour' }),
    `${held} A request may be held for up to 2 seconds. A denial blocks the client for an hour.`,
  )
  t.equal(
    describe({ rate: 60, burst: 5, block: { for: '15 minutes', factor: 4 } }),
    `${held} A denial blocks the client for 15 minutes, and longer each time.`,
  )
  t.equal(describe({ rate: 60, burst: 5, block: '1 day' }), `${held} A denial blocks the client for a day.`)
})

test("each policy has a sentence, and the guard's, which says what it counts, comes last", async (t) => {
  const guard = limit({ rate: 3000, burst: 500 }, { isGuard: true })
  const guarded =
    'Over all operations, at most 3,000 requests a minute, 500 at once, for each client address.'
  t.equal(
    describeLimits([guard, limit({ rate: 100 }, { key: 'apiKey' }), limit({ rate: 1 })], false),
    `At most 100 requests a minute, 10 at once, for each API key. At most 1 request a minute, for each client address. ${guarded}`,
  )
  t.equal(describeLimits([guard], false), guarded)
  t.equal(describeLimits([guard], true), `Limits depend on the request. ${guarded}`)
  t.equal(describeLimits([], true), 'Limits depend on the request.')
})
