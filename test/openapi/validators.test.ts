import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import spectral from '@stoplight/spectral-core'
import owasp from '@stoplight/spectral-owasp-ruleset'
import Fastify, { type FastifyInstance } from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../lib/index.js'
import { frozenStore, OPENAPI, ok } from './support.js'

const RULES = ['rate-limit', 'rate-limit-retry-after', 'rate-limit-responses-429'].map(
  (rule) => `owasp:api4:2023-${rule}`,
)

const MESSAGE = { type: 'object', properties: { message: { type: 'string' } } }

/** Every form of a limited route. */
function routes(app: FastifyInstance): void {
  app.get('/plain', ok)
  app.get('/:id', { schema: { response: { 200: MESSAGE, 404: MESSAGE } } }, ok)
  app.post(
    '/csv',
    { schema: { produces: ['text/csv'], body: MESSAGE, response: { 201: MESSAGE } } as never },
    ok,
  )
  app.delete('/nothing', { schema: { response: { 204: { type: 'null', description: 'Gone' } } } }, ok)
  app.get('/range', { schema: { response: { '2xx': MESSAGE, '4xx': MESSAGE, default: MESSAGE } } }, ok)
  app.get('/reference', { schema: { response: { 200: { $ref: 'message#' } } } }, ok)
  app.route({
    method: ['PUT', 'PATCH'],
    url: '/several',
    config: { rateLimit: ['default', 'search'] },
    handler: ok,
  })
  app.get('/chosen', { config: { rateLimit: () => 'search' } }, ok)
  app.get('/head', { config: { swagger: { exposeHeadRoute: true } } }, ok)
  app.register(async (scope) => scope.get('/', ok), { prefix: '/prefixed' })
}

async function documentOf(options: RateLimitOptions | null, add = routes): Promise<Record<string, unknown>> {
  const app = Fastify({ ajv: { customOptions: { strict: false } } })
  await app.register(swagger, OPENAPI)
  if (options !== null) {
    const limiters = { search: [{ rate: 5 }, { rate: 50, per: 'hour' }] } as const
    await app.register(rateLimit, { store: frozenStore(), limiters, guard: { rate: 500 }, ...options })
  }
  app.addSchema({ $id: 'message', ...MESSAGE })
  add(app)
  await app.ready()
  return JSON.parse(JSON.stringify(app.swagger()))
}

/** The findings of Spectral's rules on rate limits, as `rule at path`. */
async function findings(document: Record<string, unknown>): Promise<string[]> {
  const linter = new spectral.Spectral()
  linter.setRuleset({
    extends: [[owasp as never, 'off']],
    rules: Object.fromEntries(RULES.map((rule) => [rule, true])),
  } as never)
  const results = await linter.run(document)
  return results.map(({ code, path }) => `${code} at ${path.join(' ')}`)
}

for (const headers of [['x-ratelimit'], ['draft-11']] as const) {
  for (const body of ['fastify', 'problem'] as const) {
    test(`with ${headers} and body ${body}, the document is OpenAPI 3.1 and satisfies the OWASP rules on limits`, async (t) => {
      const document = await documentOf({ headers, body })
      t.match(await new Validator().validate(document), { valid: true })
      t.equal(Object.keys(document.paths as object).length, 10)
      t.strictSame(await findings(document), [])
    })
  }
}

test("the document is valid with both families, none, the application's bodies and the author's 429", async (t) => {
  for (const options of [
    { headers: ['x-ratelimit', 'draft-11'] },
    { headers: [] },
    { body: () => 'no' },
  ] as const) {
    const document = await documentOf({ ...options }, (app) => {
      routes(app)
      app.get('/mine', { schema: { response: { 429: { description: 'Mine', ...MESSAGE } } } }, ok)
    })
    t.match(await new Validator().validate(document), { valid: true })
    t.match(document, { paths: { '/mine': { get: { responses: { 429: { description: 'Mine' } } } } } })
  }
})

test('without the plugin, each of these rules finds its fault', async (t) => {
  const found = (await findings(await documentOf(null))).map((finding) => finding.split(' ')[0])
  t.strictSame([...new Set(found)].sort(), [RULES[0], RULES[2]])
  const headers = { 'X-RateLimit-Limit': { type: 'integer' } }
  const document = await documentOf(null, (app) => {
    app.get('/', { schema: { response: { 429: { headers, ...MESSAGE } } } }, ok)
  })
  t.strictSame(await findings(document), [`${RULES[1]} at paths / get responses 429 headers`])
})
