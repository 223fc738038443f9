import swagger from '@fastify/swagger'
import Fastify, { type FastifySchema } from 'fastify'
import { test } from 'tap'
import rateLimit from '../../lib/index.js'
import { frozenStore, OPENAPI } from './support.js'

const ONLY_A = { type: 'object', properties: { a: { type: 'string' } } }
const PAYLOAD = { a: 'x', b: [1, null], statusCode: 7, message: 'm' }

const RESPONSES: Record<string, Record<string, unknown> | undefined> = {
  'no schema': undefined,
  'no responses': {},
  'a 200': { 200: ONLY_A },
  'a 429': { 429: ONLY_A },
  'a 4xx': { '4xx': ONLY_A },
  'an upper case 4XX': { '4XX': ONLY_A },
  'a default': { default: ONLY_A },
  'a 429 by content': { 429: { content: { 'application/json': { schema: ONLY_A } } } },
  'a reference': { '2xx': { $ref: 'shared#' }, '4xx': { $ref: 'shared#' } },
}

/** The bytes that clients receive from an app that sends the same object with every status. */
async function sent(response: Record<string, unknown> | undefined, limited: boolean): Promise<string[]> {
  const app = Fastify()
  await app.register(swagger, OPENAPI)
  if (limited) await app.register(rateLimit, { store: frozenStore() })
  app.addSchema({ $id: 'shared', ...ONLY_A })
  const schema: FastifySchema | undefined = response && { response }
  app.get<{ Params: { status: string } }>('/:status', { schema }, (request, reply) => {
    const status = Number(request.params.status)
    if (status !== 418) return reply.code(status).send(PAYLOAD)
    throw Object.assign(new Error('thrown'), { statusCode: 429, code: 'E_MINE' })
  })
  await app.ready()
  app.swagger()
  const replies = []
  for (const status of [200, 201, 404, 418, 429, 500]) replies.push(await app.inject(`/${status}`))
  return replies.map((reply) => `${reply.statusCode} ${reply.headers['content-type']} ${reply.body}`)
}

for (const [name, response] of Object.entries(RESPONSES)) {
  test(`the application sends the same bytes as without the plugin: ${name}`, async (t) => {
    const before = await sent(response && structuredClone(response), false)
    t.strictSame(await sent(response, true), before)
    t.equal(new Set(before).size, 6)
  })
}

test("routes that share a schema object are documented apart; the object and the application's 429 do not change", async (t) => {
  const app = Fastify()
  await app.register(swagger, OPENAPI)
  await app.register(rateLimit, { store: frozenStore() })
  app.addSchema({ $id: 'shared', ...ONLY_A })
  const same = { response: { 200: { $ref: 'shared#' }, 404: { $ref: 'shared#' } } }
  const copy = structuredClone(same)
  app.get('/a', { schema: same, config: { rateLimit: { rate: 1, name: 'a' } } }, async () => PAYLOAD)
  app.get('/b', { schema: same, config: { rateLimit: { rate: 2, name: 'b' } } }, async () => PAYLOAD)
  app.get('/c', { schema: same, config: { rateLimit: false } }, async () => PAYLOAD)
  await app.ready()
  const { paths } = app.swagger() as { paths: Record<string, { get: Record<string, unknown> }> }
  t.match(paths['/a'].get, {
    'x-rate-limit': { policies: [{ name: 'a' }] },
    responses: { 404: { headers: {} } },
  })
  t.match(paths['/b'].get, { 'x-rate-limit': { policies: [{ name: 'b' }] }, responses: { 429: {} } })
  t.match(paths['/a'].get.responses, {
    200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/def-0' } } } },
  })
  t.strictSame(Object.keys(paths['/c'].get), ['responses'])
  t.strictSame(Object.keys(paths['/c'].get.responses as object), ['200', '404'])
  t.strictSame(same.response, copy.response)
})
