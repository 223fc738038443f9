import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { type WarningCode, Warnings } from '../../../lib/plugin/config/warnings.js'
import { codes, emitted } from '../support/warnings.js'

const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15]
const CODES = NUMBERS.map((n) => `FST_FLOODGATE_W${String(n).padStart(3, '0')}` as WarningCode)

test('each warning is emitted once for each subject', (t) => {
  const list = emitted(t)
  const warnings = new Warnings()
  for (const subject of ['user', 'team', 'user']) warnings.once('FST_FLOODGATE_W002', subject)
  warnings.once('FST_FLOODGATE_W003', 'user', 'TypeError')
  warnings.once('FST_FLOODGATE_W003', 'user', 'RangeError')
  t.match(list, [
    { code: 'FST_FLOODGATE_W002', message: /^The key strategy user gave no key/ },
    { code: 'FST_FLOODGATE_W002', message: /^The key strategy team gave no key/ },
    { code: 'FST_FLOODGATE_W003', message: /^The key strategy user failed .* Reason: TypeError\. See / },
  ])
  t.equal(list.length, 3)
  t.end()
})

test('two registrations each warn for themselves', (t) => {
  const list = emitted(t)
  new Warnings().once('FST_FLOODGATE_W001')
  new Warnings().once('FST_FLOODGATE_W001')
  t.equal(list.length, 2)
  t.end()
})

test('a warning shows its subject as it is, special characters included', (t) => {
  const list = emitted(t)
  new Warnings().once('FST_FLOODGATE_W003', "of limiters.$&%s$'.key", 'Error')
  t.match(list[0].message, "The key strategy of limiters.$&%s$'.key failed for")
  t.match(list[0].message, 'Reason: Error.')
  t.end()
})

test('every warning is a FloodgateWarning that ends with its place on the page of errors', (t) => {
  const list = emitted(t)
  for (const code of CODES) new Warnings().once(code, 'subject', 'detail')
  t.equal(list.length, CODES.length)
  list.forEach(({ type, code, message }, i) => {
    t.same([type, code], ['FloodgateWarning', CODES[i]])
    const anchor = code.toLowerCase()
    t.ok(message.endsWith(`. See https://unpkg.com/fastify-floodgate/docs/errors.md#${anchor}`), message)
  })
  t.end()
})

const [W001, ...OTHERS] = codes(CODES.map((code) => ({ code, type: '', message: '' })))
const CHOICES: [string, boolean | Record<string, boolean> | undefined, string[]][] = [
  ['left out', undefined, [W001, ...OTHERS]],
  ['true', true, [W001, ...OTHERS]],
  ['false', false, []],
  ['one code false', { FST_FLOODGATE_W001: false }, OTHERS],
  ['one code true, which all are', { FST_FLOODGATE_W001: true }, [W001, ...OTHERS]],
  ['no code', {}, [W001, ...OTHERS]],
]
for (const [what, choice, expected] of CHOICES) {
  test(`with the option ${what}, what is wanted is emitted and nothing else`, (t) => {
    const list = emitted(t)
    const warnings = new Warnings(choice)
    for (const code of CODES) warnings.once(code)
    t.same(codes(list), expected)
    t.same(
      CODES.filter((code) => warnings.wants(code)).map((code) => code.slice(-4)),
      expected,
    )
    t.end()
  })
}

const REFUSED: [unknown, string, RegExp][] = [
  [
    { FST_FLOODGATE_W01: false },
    'FST_FLOODGATE_UNKNOWN_OPTION',
    /'warnings\.FST_FLOODGATE_W01'; did you mean '(warnings\.)?FST_FLOODGATE_W001'/,
  ],
  [{ FST_FLOODGATE_W001: 'off' }, 'FST_FLOODGATE_OPTION', /'warnings\.FST_FLOODGATE_W001' is 'off'/],
  ['none', 'FST_FLOODGATE_OPTION', /'warnings' is 'none'/],
  [null, 'FST_FLOODGATE_OPTION', /'warnings' is null/],
  [['FST_FLOODGATE_W001'], 'FST_FLOODGATE_OPTION', /'warnings' is a list/],
]
for (const [warnings, code, message] of REFUSED) {
  test(`warnings: ${JSON.stringify(warnings)} is refused at registration`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(async () => app.register(rateLimit, { warnings } as RateLimitOptions), { code, message })
  })
}
