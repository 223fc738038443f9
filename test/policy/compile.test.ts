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
    wait: 0,
    block: null,
    enforce: 1,
    law: { burst: 10, interval: 600_000, tolerance: 6_000_000, patience: 0, resolution: 1 },
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
    wait: 0,
    block: null,
    enforce: 1,
    law: { rate: 5, window: 900_000_000 },
  })
  t.match(compile({ algorithm: 'sliding-window', rate: 1_000_000 }), { limit: 1_000_000 })
})

test('a rate of 0 is allowed, and nothing can be spent', async (t) => {
  t.match(compile({ rate: 0 }), { limit: 0, law: { burst: 0, tolerance: 0 } })
  t.match(compile({ rate: 0, burst: 5 }), { limit: 0 })
  t.match(compile({ algorithm: 'sliding-window', rate: 0 }), { limit: 0, law: { rate: 0 } })
})

test('units in progress are those of a window as long as they are held', async (t) => {
  t.same(compile({ name: 'reports', algorithm: 'concurrency', limit: 20, hold: '30 seconds' }), {
    name: 'reports',
    algorithm: 'concurrency',
    rate: 20,
    per: 30_000,
    limit: 20,
    wait: 0,
    block: null,
    enforce: 1,
    law: { rate: 20, window: 30_000_000 },
  })
  t.match(compile({ algorithm: 'concurrency', limit: 0 }), { limit: 0, per: 60_000 })
  t.match(compile({ algorithm: 'concurrency', limit: 1_000_000, hold: 1 }), { limit: 1_000_000 })
})

test('a wait is in milliseconds, and the patience of the law in its ticks', async (t) => {
  t.match(compile({ wait: '2 seconds' }), { wait: 2000, law: { patience: 2_000_000, resolution: 1 } })
  t.match(compile({ rate: 7, per: 'minute', wait: 1.5 }), {
    wait: 1.5,
    law: { patience: 1500 * 7, resolution: 7 },
  })
  t.match(compile({ wait: 'minute' }), { wait: 60_000 })
  t.match(compile({ rate: 0, wait: 'minute' }), { wait: 0, law: { patience: 0 } }, 'no wait helps')
})

test('a block is a period or an object, and its lengths are in milliseconds', async (t) => {
  const year = 366 * 86_400_000
  const plain = { for: 3_600_000, factor: 1, max: year, forget: 86_400_000 }
  t.same(compile({ block: '1 hour' }).block, plain)
  t.same(compile({ block: { for: 'hour' } }).block, plain)
  t.same(compile({ algorithm: 'sliding-window', block: 0.5 }).block, { ...plain, for: 0.5 })
  t.same(compile({ block: year }).block, { ...plain, for: year })
  t.same(compile({ block: { for: '1 minute', factor: 2.5, max: '1 minute', forget: '7 days' } }).block, {
    for: 60_000,
    factor: 2.5,
    max: 60_000,
    forget: 604_800_000,
  })
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
  [{ algorithm: 'fixed-window' }, 'algorithm', "'fixed-window'", "'token-bucket', 'sliding-window' or"],
  [{ algorithm: 'toString' }, 'algorithm', "'toString'", "'token-bucket', 'sliding-window' or 'concurrency'"],
  [{ algorithm: null }, 'algorithm', 'null', "'token-bucket', 'sliding-window' or"],
  [{ algorithm: ['concurrency'] }, 'algorithm', 'a list', "'token-bucket', 'sliding-window' or"],
  [{ limit: 5 }, 'limit', '5', "none but with algorithm 'concurrency'; the units of a period are the `rate`"],
  [{ limit: null }, 'limit', 'null', 'none but'],
  [{ hold: 5 }, 'hold', '5', "none but with algorithm 'concurrency'"],
  [{ algorithm: 'sliding-window', limit: 5 }, 'limit', '5', "none but with algorithm 'concurrency'; the"],
  [{ algorithm: 'sliding-window', hold: 5 }, 'hold', '5', "none but with algorithm 'concurrency'"],
  [{ algorithm: 'sliding-window', wait: 5 }, 'wait', '5', "none but with algorithm 'token-bucket'"],
  [{ algorithm: 'concurrency', limit: 1, rate: 5 }, 'rate', '5', "none with algorithm 'concurrency', which"],
  [{ algorithm: 'concurrency', limit: 1, per: 5 }, 'per', '5', "none with algorithm 'concurrency', which"],
  [{ algorithm: 'concurrency', limit: 1, burst: 5 }, 'burst', '5', "none with algorithm 'concurrency'"],
  [{ algorithm: 'concurrency', limit: 1, wait: 5 }, 'wait', '5', "none but with algorithm 'token-bucket'"],
  [{ algorithm: 'concurrency', limit: 1, block: 5 }, 'block', '5', "none with algorithm 'concurrency'"],
  [{ algorithm: 'concurrency', limit: undefined }, 'limit', 'undefined', 'an integer from 0 to 1000000'],
  [{ algorithm: 'concurrency', limit: 1_000_001 }, 'limit', '1000001', 'an integer from 0 to 1000000'],
  [{ algorithm: 'concurrency', limit: -1 }, 'limit', '-1', 'an integer from 0 to 1000000'],
  [{ algorithm: 'concurrency', limit: 1.5 }, 'limit', '1.5', 'an integer from 0 to 1000000'],
  [{ algorithm: 'concurrency', limit: '5' }, 'limit', "'5'", 'an integer from 0 to 1000000'],
  [{ algorithm: 'concurrency', limit: 1, hold: 0 }, 'hold', '0', "'second', 'minute'"],
  [{ wait: 0 }, 'wait', '0', "a period up to 1 minute, such as '2 seconds'"],
  [{ wait: 60_000.001 }, 'wait', '60000.001', 'a period up to 1 minute'],
  [{ wait: 'hour' }, 'wait', "'hour'", 'a period up to 1 minute'],
  [{ wait: null }, 'wait', 'null', 'a period up to 1 minute'],
  [{ block: 0 }, 'block', '0', "'second', 'minute', 'hour', 'day', a duration such as"],
  [{ block: false }, 'block', 'false', "'second', 'minute'"],
  [{ block: null }, 'block', 'null', "'second', 'minute'"],
  [{ block: '367 days' }, 'block', "'367 days'", "'second', 'minute'"],
  [{ enforce: -0.1 }, 'enforce', '-0.1', 'true, false, or the share of the keys that it denies: 0 to 1'],
  [{ enforce: 1.01 }, 'enforce', '1.01', 'true, false, or the share'],
  [{ enforce: Number.NaN }, 'enforce', 'NaN', 'true, false, or the share'],
  [{ enforce: 'no' }, 'enforce', "'no'", 'true, false, or the share'],
  [{ enforce: null }, 'enforce', 'null', 'true, false, or the share'],
  [
    { algorithm: 'concurrency', limit: 1, enforce: 10 },
    'enforce',
    '10',
    'true, false, or the share of the keys',
  ],
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

const blockRefusals: [block: unknown, option: string, value: string, allowed: string][] = [
  [{}, 'for', 'undefined', "'second', 'minute'"],
  [{ for: 'ever' }, 'for', "'ever'", "'second', 'minute'"],
  [{ for: 5, factor: 0.5 }, 'factor', '0.5', 'a number from 1'],
  [{ for: 5, factor: Infinity }, 'factor', 'Infinity', 'a number from 1'],
  [{ for: 5, factor: Number.NaN }, 'factor', 'NaN', 'a number from 1'],
  [{ for: 5, factor: '2' }, 'factor', "'2'", 'a number from 1'],
  [{ for: 5, max: 4.999 }, 'max', '4.999', 'a period not shorter than `for`: at least 5 ms'],
  [{ for: 5, max: null }, 'max', 'null', "'second', 'minute'"],
  [{ for: 5, forget: 0 }, 'forget', '0', "'second', 'minute'"],
]
for (const [block, option, value, allowed] of blockRefusals) {
  test(`a block with ${option} ${value} is refused with the option, the value and what is allowed`, async (t) => {
    const { code, message } = refusal(() => compile({ block }, 'guard.'))
    t.equal(code, 'FST_FLOODGATE_OPTION')
    const beginning = `option 'guard.block.${option}' is ${value}; allowed: ${allowed}`
    t.equal(message.slice(0, beginning.length), beginning)
  })
}

test('an unknown option of a block is refused', async (t) => {
  t.throws(() => compile({ block: { for: 5, facter: 2 } }, 'guard.'), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
    message: "unknown option 'guard.block.facter'; did you mean 'factor'?; allowed: for, factor, max, forget",
  })
})

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
    [[], 'an empty list'],
    [[5], 'a list'],
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
