import { DENIED_CODE, STATUSES } from '../http/index.js'

type JsonSchema = Readonly<Record<string, unknown>>

/** The JSON schema of the body that Fastify's own error handler sends for a denial. */
export function fastifySchema(status: '429' | '503'): JsonSchema {
  return object({
    statusCode: { type: 'integer', enum: [Number(status)] },
    code: { type: 'string', enum: [DENIED_CODE] },
    error: { type: 'string', enum: [STATUSES[status]] },
    message: { type: 'string' },
  })
}

/** The JSON schema of problem details (RFC 9457) for a denial. */
export function problemSchema(status: '429' | '503'): JsonSchema {
  return object({
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer', enum: [Number(status)] },
    detail: { type: 'string' },
    'violated-policies': { type: 'array', items: { type: 'string' } },
  })
}

/** An object that has all these properties. */
function object(properties: JsonSchema): JsonSchema {
  return { type: 'object', required: Object.keys(properties), properties }
}
