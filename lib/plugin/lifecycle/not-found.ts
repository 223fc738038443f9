import type { FastifyInstance } from 'fastify'
import type { Internals, NotFoundRoute, RouteContext } from '../internals.js'
import { registryOf } from '../registry.js'
import { rateLimitOf } from '../routes/facts.js'

/**
 * Where the config of a 404 context names the scope whose registration decides, if that is not the handler's
 * scope.
 */
const deciding: unique symbol = Symbol('floodgate.deciding')

type Deciding = { [deciding]?: FastifyInstance }

/**
 * The scope whose registration decides for a request: the scope of its route or, for a 404, that of its
 * prefix.
 */
export function decidingScope(config: object, server: FastifyInstance): FastifyInstance {
  return (config as Deciding)[deciding] ?? server
}

/**
 * Lets the `hooks` of a registration see the 404s below the prefix of its scope. If the scope has no 404
 * handler, Fastify answers them with the handler and the hooks of an outer scope. This adds a copy of that
 * context for the prefix, with our hooks in addition. Nothing is added where a registration decides for
 * exactly this prefix already, or where the outer handler has a `config.rateLimit`, which names limiters of
 * the outer scope.
 */
export function limitNotFound(
  app: FastifyInstance,
  hooks: Record<string, unknown>,
  internals: Internals,
): void {
  const router = internals.notFoundRouter(app)
  if (app.prefix === '' || router === undefined) return
  const pattern = app.prefix.endsWith('/') ? `${app.prefix}*` : `${app.prefix}/*`
  const own = router.findRoute('GET', pattern)
  const { handler, store } = own ?? (router.find('GET', app.prefix) as NotFoundRoute)
  const { config, server } = store
  const isDecided = own !== null && registryOf(decidingScope(config, server)) !== null
  if (isDecided || rateLimitOf(config) !== undefined) return
  const context: RouteContext = own === null ? Object.create(store) : store
  for (const [name, hook] of Object.entries(hooks))
    context[name] = [...((context[name] as unknown[] | null) ?? []), hook]
  context.config = { ...config, [deciding]: app }
  if (own === null) for (const url of [app.prefix, pattern]) router.all(url, handler, context)
}
