import { test } from 'tap'
import { checkCost, hint, invalidOption, show } from '../../lib/policy/index.js'

test('a value is shown short and on one line', async (t) => {
  for (const [value, shown] of [
    ['ten', "'ten'"],
    ['', "''"],
    ['x'.repeat(80), `'${'x'.repeat(80)}'`],
    ['x'.repeat(81), `'${'x'.repeat(80)}…'`],
    ['1\n2\u2028\u001b[31m', "'1\\u{a}2\\u{2028}\\u{1b}[31m'"],
    ['grüße 漢字 🚦', "'grüße 漢字 🚦'"],
    [7, '7'],
    [Number.NaN, 'NaN'],
    [12n, '12'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [Symbol('s'), 'Symbol(s)'],
    [() => 1, 'a function'],
    [[1, 2], 'a list'],
    [{ secret: 1 }, 'an object'],
    [new Date(0), 'an object'],
  ]) {
    t.equal(show(value), shown)
  }
})

test('a hint names the nearest known name, or is empty when no name is near', async (t) => {
  const known = ['rate', 'per', 'burst', 'algorithm']
  t.equal(hint('rates', known), "; did you mean 'rate'?")
  t.equal(hint('brust', known), "; did you mean 'burst'?", 'a swap')
  t.equal(hint('pre', known), "; did you mean 'per'?", 'a swap, in a name however short')
  t.equal(hint('name', known), '', 'two letters of four are another word')
  t.equal(hint('window', ['windows-9', 'windows']), "; did you mean 'windows'?")
  t.equal(hint('algorythmes', known), "; did you mean 'algorithm'?", 'a long name may be further off')
  t.equal(hint('ttl', known), '')
  t.equal(hint('timeWindow', known), '')
  t.equal(hint('rate', []), '')
})

test('a string that is too long to be a name gets no hint', async (t) => {
  t.equal(hint(`r${'x'.repeat(127)}`, [`s${'x'.repeat(127)}`]), `; did you mean 's${'x'.repeat(127)}'?`)
  t.equal(hint(`r${'x'.repeat(128)}`, [`s${'x'.repeat(128)}`]), '')
})

test('an invalid option is a TypeError with a code', async (t) => {
  const error = invalidOption('store', {}, 'a store')
  t.type(error, TypeError)
  t.match(error, {
    code: 'FST_FLOODGATE_OPTION',
    statusCode: 500,
    message: "option 'store' is an object; allowed: a store",
  })
})

test('the error for a misspelt value names the nearest known value', async (t) => {
  const known = ['preHandler', 'preValidation']
  t.match(invalidOption('hook', 'prehandler', 'a hook', known), {
    message: "option 'hook' is 'prehandler'; did you mean 'preHandler'?; allowed: a hook",
  })
  t.match(invalidOption('hook', 7, 'a hook', known), { message: "option 'hook' is 7; allowed: a hook" })
})

test('a cost is an integer of 0 or more', async (t) => {
  for (const cost of [0, 1, Number.MAX_SAFE_INTEGER]) t.equal(checkCost(cost), cost)
  for (const [cost, shown] of [
    [-1, '-1'],
    [0.5, '0.5'],
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [2 ** 53, '9007199254740992'],
    ['1', "'1'"],
    [1n, '1'],
    [null, 'null'],
    [undefined, 'undefined'],
  ]) {
    t.throws(() => checkCost(cost), {
      code: 'FST_FLOODGATE_COST',
      message: `cost is ${shown}; allowed: an integer of 0 or more`,
    })
  }
})
