import { test } from 'tap'
import { parsePeriod } from '../../lib/policy/period.js'

test('a period is a unit, a duration or a number of milliseconds, in whole microseconds', async (t) => {
  t.equal(parsePeriod('second', 'per'), 1_000_000)
  t.equal(parsePeriod('15 minutes', 'per'), 900_000_000)
  t.equal(parsePeriod('30s', 'per'), 30_000_000)
  t.equal(parsePeriod(0.0001, 'per'), 1, 'rounded up to a whole microsecond')
})

test('a value that is not a period is refused with the option, the value and what is allowed', async (t) => {
  for (const value of [
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    'fortnight',
    '',
    '-5 minutes',
    '60',
    null,
    {},
    '400 days',
  ]) {
    t.throws(() => parsePeriod(value, 'limiters.login.per'), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'limiters\.login\.per' is .*; allowed: 'second', 'minute'/,
    })
  }
})

test('text has at most 64 characters, which logs and pages can show whole', async (t) => {
  t.equal(parsePeriod('1 hour'.padStart(64, '0'), 'per'), 3_600_000_000)
  t.throws(() => parsePeriod('1 hour'.padStart(65, '0'), 'period'), {
    code: 'FST_FLOODGATE_OPTION',
    message: /^option 'period' is '0{59}1 hour'; allowed: at most 64 characters$/,
  })
})

test('a decimal that binary fractions only approximate is not rounded up by a microsecond', async (t) => {
  t.equal(parsePeriod(2.007, 'per'), 2007)
  t.equal(parsePeriod('2.007s', 'per'), 2_007_000)
  t.equal(parsePeriod('1.1 days', 'per'), 95_040_000_000)
  for (let micros = 1; micros < 20_000_000; micros += 991) {
    if (parsePeriod(micros / 1000, 'per') !== micros) t.fail(`${micros / 1000} ms`)
  }
  t.equal(parsePeriod(2.0070001, 'per'), 2008, 'a true fraction is still rounded up')
  t.equal(parsePeriod(Number.MIN_VALUE, 'per'), 1)
  t.equal(parsePeriod(366 * 86_400_000, 'per'), 366 * 86_400_000_000)
})
