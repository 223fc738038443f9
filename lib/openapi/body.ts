import { DENIED_CODE } from '../http/index.js'

type JsonSchema = Readonly<Record<string, unknown>>

/** The JSON schema of the body that Fastify's own error handler sends for a denial. */
export function fastifySchema(): JsonSchema {
  return object({
    statusCode: { type: 'integer', enum: [429] },
    code: { type: 'string', enum: [DENIED_CODE] },
    error: { type: 'string', enum: ['Too Many Requests'] },
    message: { type: 'string' },
  })
}

/** The JSON schema of problem details (RFC 9457) of the type quota-exceeded. */
export function problemSchema(): JsonSchema {
  return object({
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer', enum: [429] },
    detail: { type: 'string' },
    'violated-policies': { type: 'array', items: { type: 'string' } },
  })
}

/** An object that has all these properties. */
function object(properties: JsonSchema): JsonSchema {
  return { type: 'object', required: Object.keys(properties), properties }
}
