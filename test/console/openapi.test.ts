import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify from 'fastify'
import { test } from 'tap'
import rateLimitConsole from '../../lib/console.js'
import rateLimit from '../../lib/index.js'

test('OpenAPI lists the routes of the console, without limits', async (t) => {
  const app = Fastify()
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'api', version: '1' } } })
  await app.register(rateLimit, { guard: { rate: 10 }, warnings: false })
  await app.register(rateLimitConsole, { prefix: '/limits', public: true })
  await app.ready()
  const document = app.swagger() as unknown as {
    paths: Record<string, Record<string, { responses: object }>>
  }
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  t.strictSame(listed.sort(), [
    'get /limits/',
    'get /limits/api/state',
    'get /limits/api/stream',
    'get /limits/assets/{file}',
    'post /limits/api/block',
    'post /limits/api/look',
    'post /limits/api/override',
    'post /limits/api/preview',
    'post /limits/api/reset',
    'post /limits/api/update',
  ])
  for (const [path, methods] of Object.entries(document.paths))
    for (const { responses } of Object.values(methods)) t.notOk('429' in responses, path)
  t.match(document.paths['/limits/api/block'].post, {
    requestBody: { content: { 'application/json': { schema: { required: ['limiter', 'period'] } } } },
    responses: { 200: { description: 'What is so now' }, 400: {}, 403: {}, 404: {}, 503: {} },
  })
  const { valid, errors } = await new Validator().validate(document as never)
  t.ok(valid, JSON.stringify(errors))
})
