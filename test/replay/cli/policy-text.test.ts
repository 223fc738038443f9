import { test } from 'tap'
import { parsePolicies, parseRates, parseShare } from '../../../lib/replay/cli/policy-text.js'

test('a policy is written as in code', async (t) => {
  const cases: [string, unknown][] = [
    ['rate=100 per=minute burst=10', { rate: 100, per: 'minute', burst: 10 }],
    ["  rate=1   per='15 minutes' ", { rate: 1, per: '15 minutes' }],
    ['name="my policy" per=1.5', { name: 'my policy', per: 1.5 }],
    ['rate=5 block=1h', { rate: 5, block: '1h' }],
    ['block.for=1m block.factor=4 rate=5', { block: { for: '1m', factor: 4 }, rate: 5 }],
    [
      'rate=10 per=second + rate=500 per=hour',
      [
        { rate: 10, per: 'second' },
        { rate: 500, per: 'hour' },
      ],
    ],
    ['{"rate":1,"block":{"for":"1 hour"}}', { rate: 1, block: { for: '1 hour' } }],
    [' [{"rate":1}, {"rate":2}]', [{ rate: 1 }, { rate: 2 }]],
    ['rate=1 enforce=false', { rate: 1, enforce: false }],
    ['rate=1 enforce=true', { rate: 1, enforce: true }],
    ['rate=abc', { rate: 'abc' }],
  ]
  for (const [text, wanted] of cases) t.same(parsePolicies(text), wanted, text)
})

test('text that is no policy is refused', async (t) => {
  for (const text of [
    '',
    ' ',
    'rate',
    'rate=',
    '=1',
    'rate = 1',
    'rate=1 per',
    "per='1 minute",
    'rate=1 + ',
    '{',
    '[1',
    'rate=1,per=2x y',
  ])
    t.throws(() => parsePolicies(text), { code: 'FST_FLOODGATE_OPTION', message: /'--policy' is / }, text)
})

test('rates are numbers and periods', async (t) => {
  t.same(parseRates('10/minute,5/second, 1/500 , 3/15 minutes'), [
    { rate: 10, per: 'minute' },
    { rate: 5, per: 'second' },
    { rate: 1, per: 500 },
    { rate: 3, per: '15 minutes' },
  ])
  for (const text of ['', '10', 'x/minute', '10/', '10/minute,'])
    t.throws(() => parseRates(text), { code: 'FST_FLOODGATE_OPTION', message: /'--rates' is / }, text)
})

test('a share is the number of its text, so that a limit is exact', async (t) => {
  t.same(['0%', '0.1 %', '100%'].map(parseShare), [0, 0.001, 1])
  for (let count = 0; count <= 10_000; count++) {
    const share = parseShare(`${Math.floor(count / 100)}.${String(count % 100).padStart(2, '0')}%`)
    if (share !== count / 10_000) t.equal(share, count / 10_000)
  }
})
