import { test } from 'tap'
import { checkName, compilePolicy, POLICY_OPTIONS } from '../../lib/policy/index.js'
import type { PolicyOptions } from '../../types/index.js'

/** Compiles options of any type, as JavaScript may pass them. */
function compile(options: object, where?: string) {
  return compilePolicy(options as PolicyOptions, 'default', where)
}

test('an empty policy is a token bucket of 100 a minute with a burst of 10', async (t) => {
  t.same(compile({}), {
    name: 'default',
    algorithm: 'token-bucket',
    rate: 100,
    per: 60_000,
    limit: 10,
    law: { burst: 10, interval: 600_000, tolerance: 6_000_000, resolution: 1 },
  })
  t.same(compile({ name: undefined, algorithm: undefined, rate: undefined, per: undefined }), compile({}))
})

test('the default burst is the lesser of 10 and the rate; a given burst may be larger than the rate', async (t) => {
  t.match(compile({ rate: 3 }), { limit: 3, law: { burst: 3 } })
  t.match(compile({ rate: 11 }), { limit: 10 })
  t.match(compile({ rate: 3, burst: 50 }), { limit: 50, law: { burst: 50 } })
  t.match(compile({ rate: 1_000_000, per: 'second', burst: 2 ** 31 - 1 }), { limit: 2 ** 31 - 1 })
})

test('the limit of a sliding window is its rate', async (t) => {
  t.same(compile({ name: 'login', algorithm: 'sliding-window', rate: 5, per: '15 minutes' }), {
    name: 'login',
    algorithm: 'sliding-window',
    rate: 5,
    per: 900_000,
    limit: 5,
    law: { rate: 5, window: 900_000_000 },
  })
  t.match(compile({ algorithm: 'sliding-window', rate: 1_000_000 }), { limit: 1_000_000 })
})

test('a rate of 0 is allowed, and nothing can be spent', async (t) => {
  t.match(compile({ rate: 0 }), { limit: 0, law: { burst: 0, tolerance: 0 } })
  t.match(compile({ rate: 0, burst: 5 }), { limit: 0 })
  t.match(compile({ algorithm: 'sliding-window', rate: 0 }), { limit: 0, law: { rate: 0 } })
})

test('the period is in milliseconds, to the microsecond', async (t) => {
  t.match(compile({ rate: 1, per: 2.5 }), { per: 2.5, law: { interval: 2500 } })
  t.match(compile({ rate: 1, per: 0.0004 }), { per: 0.001 }, 'rounded up')
})

const integer = 'an integer from 0 to 2147483647'
const refusals: [options: object, option: string, value: string, allowed: string][] = [
  [{ rate: -1 }, 'rate', '-1', integer],
  [{ rate: 2.5 }, 'rate', '2.5', integer],
  [{ rate: 0.5 }, 'rate', '0.5', `${integer} (for less than one a period, lengthen \`per\`)`],
  [{ rate: Number.NaN }, 'rate', 'NaN', integer],
  [{ rate: Infinity }, 'rate', 'Infinity', integer],
  [{ rate: '100' }, 'rate', "'100'", integer],
  [{ rate: null }, 'rate', 'null', integer],
  [{ rate: () => 5 }, 'rate', 'a function', integer],
  [{ rate: 2 ** 31, per: 'day' }, 'rate', '2147483648', integer],
  [{ rate: 1_000_001, per: 'second' }, 'rate', '1000001', 'at most 1000000 a second, here 1000000'],
  [{ rate: 501, per: 0.5 }, 'rate', '501', 'at most 1000000 a second, here 500'],
  [
    { rate: 1_000_001, per: 'day', algorithm: 'sliding-window' },
    'rate',
    '1000001',
    'at most 1000000 in a sliding window',
  ],
  [{ per: 'fortnight' }, 'per', "'fortnight'", "'second', 'minute', 'hour', 'day', a duration such as"],
  [{ per: null }, 'per', 'null', "'second', 'minute'"],
  [{ burst: 0 }, 'burst', '0', 'an integer from 1 to 2147483647'],
  [{ burst: -1 }, 'burst', '-1', 'an integer from 1'],
  [{ rate: 0, burst: -1 }, 'burst', '-1', 'an integer from 1'],
  [{ burst: 1.5 }, 'burst', '1.5', 'an integer from 1'],
  [{ burst: Number.NaN }, 'burst', 'NaN', 'an integer from 1'],
  [{ burst: '10' }, 'burst', "'10'", 'an integer from 1'],
  [{ burst: null }, 'burst', 'null', 'an integer from 1'],
  [{ rate: 1e6, per: 'second', burst: 2 ** 31 }, 'burst', '2147483648', 'an integer from 1'],
  [{ rate: 1, per: 'day', burst: 26_063 }, 'burst', '26063', 'a burst that refills within 71 years'],
  [{ algorithm: 'sliding-window', burst: 10 }, 'burst', '10', "none with algorithm 'sliding-window'"],
  [{ algorithm: 'fixed-window' }, 'algorithm', "'fixed-window'", "'token-bucket' or 'sliding-window'"],
  [{ algorithm: null }, 'algorithm', 'null', "'token-bucket' or"],
  [{ name: '' }, 'name', "''", 'a string of 1 to 128 printable ASCII characters'],
  [{ name: null }, 'name', 'null', 'a string of 1 to 128'],
]

for (const [options, option, value, allowed] of refusals) {
  const [[given, wrong]] = Object.entries(options).filter(([name]) => name === option)
  const others = Object.keys(options).length > 1 ? ` of ${JSON.stringify(options)}` : ''
  test(`${given} ${String(wrong)}${others} is refused with the option, the value and what is allowed`, async (t) => {
    const error = refusal(() => compile(options, 'limiters.login.'))
    t.equal(error.code, 'FST_FLOODGATE_OPTION')
    const beginning = `option 'limiters.login.${option}' is ${value}; allowed: ${allowed}`
    t.equal(error.message.slice(0, beginning.length), beginning)
    t.type(error, TypeError)
  })
}

test('only the error for a rate below 1 says to lengthen the period', async (t) => {
  t.match(refusal(() => compile({ rate: 0.5 })).message, /lengthen/)
  t.notMatch(refusal(() => compile({ rate: 1.5 })).message, /lengthen/)
})

test('the slowest rate and the longest fill time that can be counted are allowed', async (t) => {
  t.match(compile({ rate: 1, per: 366 * 86_400_000, burst: 71 }), { limit: 71 })
  t.match(compile({ rate: 1, per: 'day', burst: 26_062 }), { limit: 26_062 })
  t.match(compile({ rate: 1_000_000, per: 'second' }), { law: { interval: 1 } })
  t.match(compile({ rate: 2 ** 31 - 1, per: 'day' }), { rate: 2 ** 31 - 1 })
})

test('an unknown option is refused, with the nearest known option', async (t) => {
  for (const [name, near] of [
    ['brust', 'burst'],
    ['Rate', 'rate'],
    ['algoritm', 'algorithm'],
  ]) {
    t.throws(() => compile({ [name]: 1 }, 'guard.'), {
      code: 'FST_FLOODGATE_UNKNOWN_OPTION',
      message: `unknown option 'guard.${name}'; did you mean '${near}'?; allowed: ${POLICY_OPTIONS.join(', ')}`,
    })
  }
  t.throws(() => compile({ timeWindow: '1 minute' }), {
    message: `unknown option 'timeWindow'; did you mean 'per'?; allowed: ${POLICY_OPTIONS.join(', ')}`,
  })
})

test('a policy that is not an object is refused', async (t) => {
  for (const [value, shown] of [
    [null, 'null'],
    [5, '5'],
    ['login', "'login'"],
    [[], 'a list'],
    [() => ({}), 'a function'],
  ]) {
    t.throws(() => compile(value as object, 'policies[0].'), {
      code: 'FST_FLOODGATE_OPTION',
      message: `option 'policies[0]' is ${shown}; allowed: an object`,
    })
  }
  t.throws(() => compile(null as never), { message: "option 'options' is null; allowed: an object" })
})

test('a name has 1 to 128 printable ASCII characters, so that a header can carry it', async (t) => {
  t.equal(compile({ name: 'a "quoted" \\ name' }).name, 'a "quoted" \\ name')
  t.equal(checkName('x'.repeat(128), 'name'), 'x'.repeat(128))
  for (const name of ['x'.repeat(129), 'naïve', 'a\nb', 'a\u007f', 'tab\t', 'end\n', 7, undefined]) {
    t.throws(() => checkName(name, 'limiters.x.name'), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'limiters\.x\.name' is .*; allowed: a string of 1 to 128 printable ASCII characters$/,
    })
  }
})

function refusal(call: () => unknown): Error & { code: string } {
  try {
    call()
  } catch (error) {
    return error as Error & { code: string }
  }
  throw new Error('nothing was refused')
}
