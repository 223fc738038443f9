import type { FastifyInstance } from 'fastify'
import type { Internals, NotFoundRoute, RouteContext } from '../internals.js'
import { rateLimitOf } from '../routes/planner.js'

/** Where the config of a handler of 404s names the scope whose registration decides, if that is not the handler's own. */
const deciding: unique symbol = Symbol('floodgate.deciding')

type Deciding = { [deciding]?: FastifyInstance }

/** The scope whose registration decides for the requests of a context: that of its routes or, for 404s, of their prefix. */
export function decidingScope(config: object, server: FastifyInstance): FastifyInstance {
  return (config as Deciding)[deciding] ?? server
}

/**
 * Lets the `hooks` of a registration see the 404s below the prefix of its scope. Where the scope has no handler of 404s, Fastify answers
 * them in the scope of an outer one, with the hooks of that. They get a copy of its context, for the prefix, which has our hooks in addition.
 * A handler with a `config.rateLimit` keeps it: that names the limiters of its own scope.
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
  if (isWithin(server, app) || rateLimitOf(config) !== undefined) return
  const context: RouteContext = own === null ? Object.create(store) : store
  for (const [name, hook] of Object.entries(hooks))
    context[name] = [...((context[name] as unknown[] | null) ?? []), hook]
  context.config = { ...config, [deciding]: app }
  if (own === null) for (const url of [app.prefix, pattern]) router.all(url, handler, context)
}

function isWithin(scope: FastifyInstance, outer: FastifyInstance): boolean {
  return scope === outer || Object.prototype.isPrototypeOf.call(outer, scope)
}
