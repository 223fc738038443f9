import { test } from 'tap'
import { parseLimits } from '../../lib/limits/document.js'

function errorOf(document: unknown): string {
  try {
    parseLimits(typeof document === 'string' ? document : JSON.stringify(document))
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

test('a document is read: what changes of limiters, and overrides with their ends', async (t) => {
  const { limiters, overrides } = parseLimits(`{
    "$schema": "https://unpkg.com/fastify-floodgate/limits.schema.json",
    "limiters": { "default": { "rate": 100, "per": "minute" }, "login": [{ "rate": 5 }, { "rate": 50, "per": "day" }] },
    "overrides": [
      { "limiter": "default", "key": "acme", "rate": 1000, "until": "2027-01-01T00:00:00Z", "comment": "sale" },
      { "limiter": "default", "key": "probe", "policy": false }
    ]
  }`)
  t.same([...limiters.keys()], ['default', 'login'])
  t.match(limiters.get('default'), { rate: 100, per: 'minute' })
  t.match(limiters.get('login'), [{ rate: 5 }, { rate: 50, per: 'day' }])
  t.match(overrides, [
    { limiter: 'default', key: 'acme', policy: { rate: 1000 }, until: 1798761600000, comment: 'sale' },
    { limiter: 'default', key: 'probe', policy: false, until: Number.POSITIVE_INFINITY, comment: '' },
  ])
})

test('a document may be empty', async (t) => {
  t.match(parseLimits('{}'), { limiters: new Map(), overrides: [] })
})

test('an error names the path in the document, what is there and what is allowed', async (t) => {
  const cases: [unknown, string][] = [
    [{ limiter: {} }, "unknown option 'limiter'; did you mean 'limiters'?; allowed: limiters, overrides"],
    [[], 'the document is an empty list; allowed: an object'],
    [{ limiters: [] }, "option 'limiters' is an empty list; allowed: an object of limiters by name"],
    [{ limiters: { 'a\n': {} } }, "option 'limiters' is 'a\\u{a}'"],
    [{ limiters: { login: 5 } }, "option 'limiters.login' is 5; allowed: an object"],
    [{ limiters: { login: [] } }, "option 'limiters.login' is an empty list; allowed: a policy, or a list"],
    [{ limiters: { login: { rate: '5' } } }, "option 'limiters.login.rate' is '5'; allowed: an integer"],
    [{ limiters: { login: [{}, { rate: -1 }] } }, "option 'limiters.login[1].rate' is -1"],
    [{ limiters: { login: { rates: 5 } } }, "unknown option 'limiters.login.rates'; did you mean 'rate'?"],
    [{ limiters: { login: { max: 5 } } }, "unknown option 'limiters.login.max'; did you mean 'rate'?"],
    [{ limiters: { login: { key: 'ip' } } }, "option 'limiters.login.key' is 'ip'; allowed: none"],
    [
      { limiters: { login: { hook: 'preHandler' } } },
      "option 'limiters.login.hook' is 'preHandler'; allowed: none",
    ],
    [{ limiters: { login: { cost: 0.5 } } }, "option 'limiters.login.cost' is 0.5; allowed: an integer"],
    [
      { limiters: { login: { charge: 'faild' } } },
      "did you mean 'failed'?; allowed: 'failed' or 'succeeded'",
    ],
    [{ limiters: { login: { status: 500 } } }, "option 'limiters.login.status' is 500; allowed: 429 or 503"],
    [{ overrides: {} }, "option 'overrides' is an object; allowed: a list of at most 100000 overrides"],
    [{ overrides: [{ key: 'a' }] }, "option 'overrides[0].limiter' is undefined"],
    [{ overrides: [{ limiter: 'a' }] }, "option 'overrides[0].key' is of type undefined; allowed: a string"],
    [{ overrides: [{ limiter: 'a', key: '' }] }, "option 'overrides[0].key' is empty"],
    [{ overrides: [{ limiter: 'a', key: 'b', name: 'c' }] }, "unknown option 'overrides[0].name'"],
    [{ overrides: [{ limiter: 'a', key: 'b', rate: 0.5 }] }, "option 'overrides[0].rate' is 0.5"],
    [
      { overrides: [{ limiter: 'a', key: 'b', until: '2027-01-01' }] },
      'allowed: an instant with its time zone',
    ],
    [{ overrides: [{ limiter: 'a', key: 'b', until: '2027-13-01T00:00:00Z' }] }, "'overrides[0].until'"],
    [{ overrides: [{ limiter: 'a', key: 'b', comment: 1 }] }, "option 'overrides[0].comment' is 1"],
    [{ overrides: [{ limiter: 'a', key: 'b', policy: true }] }, "option 'overrides[0].policy' is true"],
    [{ overrides: [{ limiter: 'a', key: 'b', policy: false, rate: 1 }] }, "option 'overrides[0].rate' is 1"],
  ]
  for (const [document, message] of cases) {
    const text = errorOf(document)
    t.ok(text.includes(message), `${text} has ${message}`)
  }
})

test('a list has at most 1000 policies, and is refused before they are compiled', async (t) => {
  const list = (length: number) => ({ limiters: { login: Array.from({ length }, (_, i) => ({ rate: i })) } })
  t.equal(errorOf(list(1000)), 'none')
  t.equal(
    errorOf({ limiters: { login: Array(1001).fill({ rate: -1 }) } }),
    "option 'limiters.login' is a list of 1001; allowed: a policy, or a list of 1 to 1000 policies",
  )
})

test('of equal policies the first one is named in errors', async (t) => {
  const policies = [{ rate: 5 }, { rate: 5 }, { rate: -1 }, { rate: -1 }]
  const overrides = policies.map((policy, i) => ({ limiter: 'a', key: `${i}`, ...policy }))
  t.match(errorOf({ overrides }), /^option 'overrides\[2\]\.rate' is -1/)
})

test('two overrides of one key are an error that does not show the key', async (t) => {
  const override = { limiter: 'default', key: 'secret-1' }
  t.equal(
    errorOf({ overrides: [override, { ...override, limiter: 'login' }, override] }),
    "option 'overrides[2].key' is there already; allowed: one override for each key of a limiter",
  )
})

test('text that is not JSON is named by line and column, and not quoted', async (t) => {
  t.match(errorOf('{\n  "limiters": { secret }\n}'), /^the limits are not JSON: line 2, column 17$/)
  t.equal(errorOf(' \n'), 'the limits are not JSON: they are empty')
  for (const text of ['{ "limiters": {', '{ "a": "sec', 'secret', 'nul']) {
    t.match(errorOf(text), /^the limits are not JSON: /)
    t.notMatch(errorOf(text), /sec/)
  }
})

test('an option that only the code can judge is left to the app', async (t) => {
  const changes = [
    { burst: 2 ** 31 - 1 },
    { burst: 2 ** 31 - 1, per: '366 days' },
    { rate: 2 ** 31 - 1 },
    { rate: 1, burst: 100_000_000 },
    { hold: '10 seconds' },
    { algorithm: 'concurrency' },
    { per: 'day' },
    { wait: '2 seconds' },
    { algorithm: 'sliding-window', rate: 5 },
  ]
  for (const change of changes)
    t.equal(errorOf({ limiters: { default: change } }), 'none', JSON.stringify(change))
  t.match(errorOf({ limiters: { a: { per: '2 fortnights' } } }), /'limiters\.a\.per' is '2 fortnights'/)
  t.match(errorOf({ limiters: { a: { rate: 1, per: 'day', burst: 2 ** 31 - 1 } } }), /'limiters\.a\.burst'/)
  t.match(
    errorOf({ limiters: { a: { limit: 5, rate: 5 } } }),
    /'limiters\.a\.rate' is 5; allowed: none with algorithm 'concurrency'/,
  )
})

test('names of Object.prototype are names like any other', async (t) => {
  const { limiters } = parseLimits('{ "limiters": { "__proto__": { "rate": 5 }, "toString": {} } }')
  t.same([...limiters.keys()], ['__proto__', 'toString'])
  t.match(
    errorOf('{ "limiters": { "a": { "__proto__": { "rate": 5 } } } }'),
    /unknown option 'limiters\.a\.__proto__'/,
  )
})
