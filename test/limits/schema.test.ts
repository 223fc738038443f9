import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { test } from 'tap'
import { parseLimits } from '../../lib/limits/document.js'
import { POLICY_OPTIONS } from '../../lib/policy/index.js'

type Validator = { compile(schema: object): (value: unknown) => boolean }
const require = createRequire(import.meta.url)
const ajv = require(createRequire(require.resolve('fastify')).resolve('ajv')) as new (
  options: object,
) => Validator
const schema = JSON.parse(
  readFileSync(new URL('../../limits.schema.json', import.meta.url), 'utf8'),
) as object
const fits = new ajv({ strict: false }).compile(schema)

function isAllowed(document: unknown): boolean {
  try {
    parseLimits(JSON.stringify(document))
    return true
  } catch {
    return false
  }
}

const value = fc.oneof(
  fc.integer({ min: -2, max: 20 }),
  fc.constantFrom('minute', '2 seconds', '', 'sliding-window', 'concurrency', 'failed', 503, 0.5, true, null),
)
const name = fc.constantFrom(
  ...[
    'algorithm',
    'rate',
    'per',
    'burst',
    'wait',
    'limit',
    'hold',
    'block',
    'enforce',
    'cost',
    'charge',
    'status',
    'name',
  ],
  ...['key', 'max', 'until', 'comment', 'policy', 'limiter'],
)
const change = fc.dictionary(name, value, { maxKeys: 4 })
const anyDocument = fc.record(
  {
    limiters: fc.dictionary(
      fc.constantFrom('default', 'login', ''),
      fc.oneof(change, fc.array(change, { maxLength: 2 })),
    ),
    overrides: fc.array(
      fc
        .record({ limiter: fc.constant('default'), key: fc.string() }, { requiredKeys: [] })
        .chain((own) => change.map((more) => ({ ...more, ...own }))),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)

test('the JSON Schema allows every document that is allowed', async () => {
  fc.assert(
    fc.property(anyDocument, (document) => {
      fc.pre(isAllowed(document))
      return fits(JSON.parse(JSON.stringify(document)))
    }),
    { numRuns: 2000, maxSkipsPerRun: 1000 },
  )
})

test('the JSON Schema knows every option of a policy', async (t) => {
  const { change, override } = (schema as { definitions: Record<string, { properties: object }> }).definitions
  const ofLimiter = [...POLICY_OPTIONS, 'cost', 'charge', 'status']
  t.same(Object.keys(change.properties).sort(), ofLimiter.sort())
  const ofOverride = POLICY_OPTIONS.filter((option) => option !== 'name')
  t.same(
    Object.keys(override.properties).sort(),
    [...ofOverride, 'limiter', 'key', 'policy', 'until', 'comment'].sort(),
  )
})

test('the JSON Schema refuses what needs no knowledge of laws to be refused', async (t) => {
  const wrong = [
    [],
    { limiter: {} },
    { limiters: { login: { rate: '5' } } },
    { limiters: { login: { rates: 5 } } },
    { limiters: { login: { key: 'ip' } } },
    { limiters: { login: [] } },
    { limiters: { login: { charge: 'always' } } },
    { limiters: { login: { per: 0 } } },
    { limiters: { login: { enforce: 2 } } },
    { limiters: { login: { enforce: 'no' } } },
    { limiters: { login: { block: { factor: 2 } } } },
    { overrides: [{ limiter: 'default' }] },
    { overrides: [{ limiter: 'default', key: '' }] },
    { overrides: [{ limiter: 'default', key: 'a', policy: true }] },
    { overrides: [{ limiter: 'default', key: 'a', until: '2027-01-01' }] },
  ]
  for (const document of wrong) {
    t.notOk(fits(document), JSON.stringify(document))
    t.notOk(isAllowed(document), JSON.stringify(document))
  }
})
