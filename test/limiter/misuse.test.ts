import { test } from 'tap'
import { createLimiter } from '../../lib/limiter/index.js'
import { memoryStore } from '../../lib/store/index.js'
import type { LimiterOptions, SyncStore } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

test('wrong options are refused, each with its path, its value and what is allowed', async (t) => {
  type Refusal = { code: string; message: string | RegExp }
  const cases: [unknown, Refusal][] = [
    [{}, { code: 'FST_FLOODGATE_OPTION', message: /^option 'name' is undefined; allowed: a string/ }],
    [{ name: '' }, { code: 'FST_FLOODGATE_OPTION', message: /^option 'name' is ''; allowed: a string/ }],
    [
      { name: 'a', rate: -1 },
      { code: 'FST_FLOODGATE_OPTION', message: /^option 'rate' is -1; allowed: an integer/ },
    ],
    [
      { name: 'a', burts: 1 },
      {
        code: 'FST_FLOODGATE_UNKNOWN_OPTION',
        message: /^unknown option 'burts'; did you mean 'burst'\?; allowed: name, /,
      },
    ],
    ...(['store', 'maxWaiting'] as const).map((setting): [unknown, Refusal] => [
      { name: 'a', rate: 5, [setting]: 5 },
      {
        code: 'FST_FLOODGATE_OPTION',
        message: `option '${setting}' is 5; allowed: in the second argument, { store, maxWaiting }`,
      },
    ]),
    [
      { name: 'a', policies: [] },
      {
        code: 'FST_FLOODGATE_OPTION',
        message: "option 'policies' is an empty list; allowed: a list of one policy or more",
      },
    ],
    [
      { name: 'a', policies: { rate: 1 } },
      {
        code: 'FST_FLOODGATE_OPTION',
        message: "option 'policies' is an object; allowed: a list of one policy or more",
      },
    ],
    [
      { name: 'a', policies: [{ rate: 1 }], rate: 2 },
      { code: 'FST_FLOODGATE_UNKNOWN_OPTION', message: /^unknown option 'rate'.*; allowed: name, policies$/ },
    ],
    [
      { name: 'a', policies: [{ rate: 1 }, { rate: 2, per: 'fortnight' }] },
      {
        code: 'FST_FLOODGATE_OPTION',
        message: /^option 'policies\[1\]\.per' is 'fortnight'; allowed: 'second'/,
      },
    ],
    [
      { name: 'a', policies: [{ rate: 1, brust: 1 }] },
      {
        code: 'FST_FLOODGATE_UNKNOWN_OPTION',
        message: /^unknown option 'policies\[0\]\.brust'; did you mean 'burst'\?/,
      },
    ],
    ...[null, 'api', ['api']].map((options): (typeof cases)[number] => [
      options,
      {
        code: 'FST_FLOODGATE_OPTION',
        message: /^option 'options' is .*; allowed: an object$/,
      },
    ]),
    ...[null, 5, 'hourly', [{ rate: 1 }]].map((policy): (typeof cases)[number] => [
      { name: 'a', policies: [{ rate: 1 }, policy] },
      {
        code: 'FST_FLOODGATE_OPTION',
        message: /^option 'policies\[1\]' is .*; allowed: an object$/,
      },
    ]),
    ...[{}, true, '15 minut\u00e9s'].map((per): (typeof cases)[number] => [
      { name: 'a', policies: [{ rate: 1, per }, { rate: 1 }] },
      { code: 'FST_FLOODGATE_OPTION', message: /^option 'policies\[0\]\.per' is .*; allowed: 'second'/ },
    ]),
  ]
  for (const [options, error] of cases) t.throws(() => createLimiter(options as LimiterOptions), error)
})

test('a value that is not a store is refused, and so is a store under another name', async (t) => {
  const cases: [unknown, { code: string; message: RegExp }][] = [
    [
      { store: {} },
      { code: 'FST_FLOODGATE_OPTION', message: /^option 'store' is an object; allowed: a store/ },
    ],
    [{ store: null }, { code: 'FST_FLOODGATE_OPTION', message: /^option 'store' is null; allowed: a store/ }],
    [
      { stroe: memoryStore() },
      { code: 'FST_FLOODGATE_UNKNOWN_OPTION', message: /'settings\.stroe'; did you mean 'store'\?/ },
    ],
    [
      memoryStore(),
      {
        code: 'FST_FLOODGATE_UNKNOWN_OPTION',
        message: /^unknown options? 'settings\..*; allowed: store, maxWaiting$/,
      },
    ],
    ...[-1, 1.5, 2 ** 53, Number.NaN, '5', null].map((maxWaiting): (typeof cases)[number] => [
      { maxWaiting },
      {
        code: 'FST_FLOODGATE_OPTION',
        message: /^option 'settings\.maxWaiting' is .*; allowed: an integer of 0 or more$/,
      },
    ]),
    [
      null,
      {
        code: 'FST_FLOODGATE_OPTION',
        message: /^option 'settings' is null; allowed: an object$/,
      },
    ],
  ]
  for (const [settings, error] of cases)
    t.throws(() => createLimiter({ name: 'a' }, settings as { store: SyncStore }), error)
})

test('two policies of a limiter cannot have the same name, given or derived', async (t) => {
  const lists = [
    [{ name: 'twice' }, { name: 'twice', per: 'hour' }],
    [{ rate: 5 }, { rate: 5, burst: 1 }],
    [{ name: 'a-5-per-minute', rate: 1 }, { rate: 5 }],
  ] as const
  for (const policies of lists) {
    t.throws(() => createLimiter({ name: 'a', policies }), {
      code: 'FST_FLOODGATE_OPTION',
      message:
        /^option 'policies\[1\]\.name' is '.+'; allowed: a name that no other policy of the limiter has$/,
    })
  }
})

const limiter = createLimiter({ name: 'api', rate: 1 }, { store: memoryStore({ clock: new ManualClock() }) })
const calls = {
  take: (key: unknown, cost?: unknown) => limiter.take(key as string, { cost: cost as number }),
  peek: (key: unknown, cost?: unknown) => limiter.peek(key as string, { cost: cost as number }),
  refund: (key: unknown, cost?: unknown) => limiter.refund(key as string, cost as number),
  reset: (key: unknown) => limiter.reset(key as string),
}

test('every call refuses a value that is not a key, and never shows it', async (t) => {
  const secret = 'sk_live_0123456789'
  const cases: [unknown, string][] = [
    ['', 'empty'],
    [undefined, 'of type undefined'],
    [null, 'of type object'],
    [1234567, 'of type number'],
    [[secret], 'of type object'],
    [Object(secret), 'of type object'],
    [Symbol(secret), 'of type symbol'],
  ]
  for (const [name, call] of Object.entries(calls)) {
    for (const [key, kind] of cases) {
      const error = thrownBy(() => call(key))
      t.match(
        error,
        { code: 'FST_FLOODGATE_KEY', message: `key is ${kind}; allowed: a string that is not empty` },
        `${name}: ${kind}`,
      )
      t.ok(error instanceof TypeError)
      t.notMatch(`${error.stack}${JSON.stringify(error)}`, /sk_live|1234567/)
    }
  }
})

test('take, peek and refund refuse a value that is not a cost, and charge nothing', async (t) => {
  const costs = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null, 1n, {}]
  for (const name of ['take', 'peek', 'refund'] as const) {
    for (const cost of costs) {
      const error = thrownBy(() => calls[name]('a', cost))
      t.match(
        error,
        { code: 'FST_FLOODGATE_COST', message: /^cost is .+; allowed: an integer of 0 or more$/ },
        `${name}: ${String(cost)}`,
      )
      t.ok(error instanceof RangeError)
    }
  }
  t.match(limiter.take('a'), { allowed: true, remaining: 0 })
})

test('a refused call does not change the answer to the next call', async (t) => {
  t.throws(() => calls.take('b', -1))
  t.throws(() => calls.take('', 1))
  t.match(limiter.take('b'), { allowed: true, remaining: 0 })
  t.match(limiter.take('b'), { allowed: false, retryAfter: 60_000 })
})

function thrownBy(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

test('a number in place of the options is refused, because it would be a cost that is not charged', async (t) => {
  const limiter = createLimiter({ name: 'api', rate: 1, per: 'minute' })
  for (const verb of ['take', 'peek'] as const) {
    for (const options of [5, null, [5]] as never[]) {
      t.throws(() => limiter[verb]('a', options), { code: 'FST_FLOODGATE_OPTION', message: /'options'/ })
    }
    t.throws(() => limiter[verb]('a', { csot: 5 } as never), { code: 'FST_FLOODGATE_UNKNOWN_OPTION' })
  }
  t.ok(limiter.take('a').allowed, 'and nothing was charged')
})

test('a store with room for fewer keys than the limiter has policies is refused: it would limit nothing', async (t) => {
  const policies = [{ rate: 1 }, { rate: 2 }, { rate: 3 }]
  t.throws(() => createLimiter({ name: 'api', policies }, { store: memoryStore({ maxKeys: 2 }) }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'maxKeys' is 2; allowed: at least one a policy: 3/,
  })
  t.ok(createLimiter({ name: 'api', policies }, { store: memoryStore({ maxKeys: 3 }) }))
})
