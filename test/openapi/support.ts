import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

export const ok = async () => 'ok'

export const frozenStore = () => memoryStore({ clock: new ManualClock() })

export const OPENAPI: FastifyDynamicSwaggerOptions = {
  openapi: { openapi: '3.1.0', info: { title: 'An app', version: '1.0.0' } },
}

/** The parts of a documented response that tests read. */
export interface Response {
  description: string
  headers?: Record<string, { schema: { type: string }; description?: string }>
  content?: Record<string, { schema: Record<string, unknown> }>
}

export interface Operation {
  operationId?: string
  parameters?: unknown[]
  responses: Record<string, Response>
  'x-rate-limit'?: { policies: { name: string }[]; chosen?: string }
}

/** The documented operations of an app: `operations['get /url']`. */
export async function operationsOf(app: FastifyInstance): Promise<Record<string, Operation>> {
  await app.ready()
  const { paths = {} } = app.swagger()
  return Object.fromEntries(
    Object.entries(paths).flatMap(([url, methods]) =>
      Object.entries(methods as object).map(([method, operation]) => [`${method} ${url}`, operation]),
    ),
  )
}

/** An app with Swagger first and then the plugin. */
export async function documentedApp(
  options: RateLimitOptions = {},
  swaggerOptions: FastifyDynamicSwaggerOptions = OPENAPI,
): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(swagger, swaggerOptions)
  await app.register(rateLimit, { store: frozenStore(), ...options })
  return app
}

/** Names of the policies that an operation documents, or `undefined` if it documents no limits. */
export function policiesOf({ 'x-rate-limit': limits, responses }: Operation): string[] | undefined {
  if (limits === undefined && responses['429'] === undefined) return undefined
  return limits?.policies.map(({ name }) => name)
}
