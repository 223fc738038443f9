import { test } from 'tap'
import { compilePolicies } from '../../lib/limiter/index.js'
import { documentLimits, extendOperation, type LimitFacts } from '../../lib/openapi/index.js'

const facts = (overrides: Partial<LimitFacts> = {}): LimitFacts => ({
  limits: [],
  chosen: false,
  families: ['x-ratelimit'],
  body: 'fastify',
  ...overrides,
})

type Documented = Record<string, Record<string, unknown> & { headers: Record<string, unknown> }>
const document = (schema: Parameters<typeof documentLimits>[0], overrides: Partial<LimitFacts> = {}) =>
  documentLimits(schema, facts(overrides)).response as Documented

const CLASSIC = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']
const DRAFT = ['RateLimit-Policy', 'RateLimit']
const OBJECT = { type: 'object', properties: { message: { type: 'string' } } }

test('the extension has each policy in full, and says that a function chooses another', async (t) => {
  const policies = compilePolicies(
    [
      { rate: 30, burst: 5 },
      { algorithm: 'sliding-window', rate: 100, per: 'hour' },
    ],
    'search',
    'limiters.search',
  )
  const limits = policies.map((policy) => ({
    policy,
    key: 'ip',
    cost: 1,
    isGuard: false,
    status: 429 as const,
  }))
  t.strictSame(extendOperation({ summary: 'S' }, facts({ limits })), {
    summary: 'S',
    'x-rate-limit': {
      policies: [
        { name: 'search-30-per-minute', algorithm: 'token-bucket', limit: 5, rate: 30, per: 60_000 },
        { name: 'search-100-per-hour', algorithm: 'sliding-window', limit: 100, rate: 100, per: 3_600_000 },
      ],
    },
  })
  t.strictSame(extendOperation(undefined, facts({ chosen: true })), {
    'x-rate-limit': { policies: [], chosen: 'per request' },
  })
  t.strictSame(extendOperation({ 'x-rate-limit': 'mine' }, facts()), { 'x-rate-limit': 'mine' })
})

test('the headers are those of the families that are sent', async (t) => {
  for (const [families, names] of [
    [['x-ratelimit'], CLASSIC],
    [['draft-11'], DRAFT],
    [
      ['x-ratelimit', 'draft-11'],
      [...CLASSIC, ...DRAFT],
    ],
    [[], []],
  ] as const) {
    const { 200: success, 429: denied } = document(undefined, { families })
    t.strictSame(Object.keys(success.headers), names)
    t.strictSame(Object.keys(denied.headers), ['Retry-After', 'Cache-Control', ...names])
  }
})

test("headers are documented on 2xx and 4xx responses, beside the author's own", async (t) => {
  const mine = { type: 'string', description: 'mine' }
  const response = {
    '2xx': { ...OBJECT, headers: { ETag: mine, 'x-ratelimit-limit': mine } },
    201: true,
    204: { type: 'null' },
    302: OBJECT,
    404: { $ref: 'error#' },
    500: OBJECT,
    default: OBJECT,
  }
  const documented = document({ response }, { body: 'problem' })
  t.strictSame(Object.keys(documented['2xx'].headers), [...CLASSIC.slice(1), 'ETag', 'x-ratelimit-limit'])
  t.equal(documented['2xx'].headers['x-ratelimit-limit'], mine)
  t.equal(documented[201], true, 'a boolean schema has nowhere to put them')
  for (const status of [204, 404]) t.strictSame(Object.keys(documented[status].headers), CLASSIC)
  for (const status of ['302', '500', 'default'] as const) t.equal(documented[status], response[status])
})

test("the author's own 429 stays as it is", async (t) => {
  for (const mine of [OBJECT, undefined]) t.equal(document({ response: { 429: mine } })[429], mine)
})

test('a schema for all 4xx or for all responses shapes the 429, as it shapes the body', async (t) => {
  const other = { type: 'object', properties: { error: { type: 'string' } } }
  for (const [response, general] of [
    [{ '4xx': OBJECT, default: other }, OBJECT],
    [{ '4XX': OBJECT, default: other }, OBJECT],
    [{ default: OBJECT }, OBJECT],
  ] as const) {
    for (const body of ['fastify', 'custom'] as const) {
      const {
        headers,
        'x-response-description': description,
        ...schema
      } = document({ response }, { body })[429]
      t.strictSame(schema, general)
      t.match(description, /^Too many requests\. /)
      t.ok('Retry-After' in headers)
    }
    t.match(document({ response }, { body: 'problem' })[429], {
      content: { 'application/problem+json': {} },
    })
  }
  t.match(document({ response: { default: true } })[429], { type: 'object', required: ['statusCode'] })
  t.match(document({ response: { default: null } })[429], { type: 'object', required: ['statusCode'] })
})

test('the 429 has its own media type, whatever the route produces', async (t) => {
  t.match(document({ produces: ['text/csv'] })[429], {
    content: { 'application/json': { schema: { required: ['statusCode', 'code', 'error', 'message'] } } },
  })
  t.match(
    document({ produces: ['text/csv'] }, { body: 'custom' })[429],
    { type: 'null' },
    'no body to speak of',
  )
})

test('the implied 200 stays where the 429 would be the only response, and no other is added', async (t) => {
  for (const schema of [undefined, {}, { response: {} }]) {
    t.match(document(schema)[200], { description: 'Default Response', type: 'null' })
  }
  for (const response of [{ 201: OBJECT }, { 404: OBJECT }, { default: OBJECT }])
    t.notOk('200' in document({ response }))
})

test('a limiter that sheds load has a 503, and a schema for all 5xx shapes it', async (t) => {
  const [policy] = compilePolicies([{ algorithm: 'concurrency', limit: 20 }], 'busy', 'limiters.busy')
  const busy = { policy, key: 'global', cost: 1, isGuard: false, status: 503 as const }
  const limits = [busy, { ...busy, status: 429 as const }]
  const both = document(undefined, { limits })
  t.match(both[503].description ?? both[503]['x-response-description'], /^The service is busy. At most 20/)
  t.match(both[429]['x-response-description'], /^Too many requests. At most 20/)
  t.notOk('429' in document(undefined, { limits: [busy] }))
  t.ok('429' in document(undefined, { limits: [busy], chosen: true }))
  t.match(document({ response: { '5xx': OBJECT } }, { limits: [busy] })[503], OBJECT)
  t.match(document(undefined, { limits, body: 'problem' })[503].content, {
    'application/problem+json': { schema: { properties: { status: { enum: [503] } } } },
  })
  const extension = extendOperation(undefined, facts({ limits: [busy] }))['x-rate-limit']
  t.strictSame(extension, { policies: [{ name: 'busy', algorithm: 'concurrency', limit: 20 }] })
})

test('schemas never change, and documents share no object that could change', async (t) => {
  const schema = freeze({ tags: ['a'], response: { 200: { ...OBJECT, headers: {} }, '4xx': OBJECT } })
  for (const body of ['fastify', 'problem', 'custom'] as const) {
    t.doesNotThrow(() => documentLimits(schema, facts({ body })))
    const [a, b] = [document(undefined, { body }), document(undefined, { body })]
    t.not(a[429].headers['Retry-After'], b[429].headers['Retry-After'])
    t.not(a[200].headers['X-RateLimit-Limit'], b[429].headers['X-RateLimit-Limit'])
  }
})

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object') freeze(part)
  return Object.freeze(value)
}
