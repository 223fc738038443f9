import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isOwn } from './own-hooks.js'

export type ReplyHeaders = Record<string, string | undefined>

/**
 * The parts of Fastify's context of a route that we read beyond its public API. Any of them may be missing.
 */
export interface RouteContext {
  config?: object
  server?: FastifyInstance
  schema?: { response?: object }
  onError?: unknown[] | null
  onSend?: unknown[] | null
  errorHandler?: object
  [hook: string]: unknown
}

export interface NotFoundRoute {
  readonly handler: unknown
  readonly store: RouteContext & { config: object; server: FastifyInstance }
}

/** Of find-my-way. */
export interface NotFoundRouter {
  /** The route of exactly that pattern. */
  findRoute(method: string, pattern: string): NotFoundRoute | null
  /** The route that a URL leads to. */
  find(method: string, url: string): NotFoundRoute | null
  /** Adds a route for all methods. */
  all(pattern: string, handler: unknown, store: RouteContext): void
}

/**
 * The one place that reads behind Fastify's public API, for data that it does not offer, or not as quickly:
 * the config of a route without `request.routeOptions`, which is built at each read, the headers of a reply,
 * the hooks of a route that was declared before the plugin loaded, `trustProxy`, the servers of an app, and
 * the router of 404s.
 * Where a version of Fastify hides these, `config` uses the public way, and the others return false or
 * undefined.
 */
export class Internals {
  #key: symbol | null | undefined
  #headersKey: symbol | null | undefined

  /** The route's config: an object of Fastify's own, one a route. */
  config(request: FastifyRequest): object {
    return this.#context(request)?.config ?? request.routeOptions.config
  }

  /**
   * Whether the body that Fastify makes of an error of that status can be sent instead of the error: no
   * handler, hook or schema of the application would see the difference.
   */
  answersPlainly(request: FastifyRequest, status: number): boolean {
    const context = this.#context(request)
    const response = context?.schema?.response
    return this.hasDefaultErrorHandler(request) && !context?.onError && !shapes(response, status)
  }

  /** Whether the error handler of the route is known to be Fastify's own. */
  hasDefaultErrorHandler(request: FastifyRequest): boolean {
    return isRoot(this.#context(request)?.errorHandler)
  }

  /** Whether the route has no `onSend` hook. */
  sendsUnchanged(request: FastifyRequest): boolean {
    return this.#context(request)?.onSend === null
  }

  /**
   * The headers of a reply, by names in lower case, where Fastify keeps them. Writing there takes a third of
   * the time of `reply.header`.
   */
  headers(reply: FastifyReply): ReplyHeaders | undefined {
    if (this.#headersKey === undefined) this.#headersKey = symbolOf(reply, 'fastify.reply.headers')
    const key = this.#headersKey
    return key === null ? undefined : (reply as unknown as Record<symbol, ReplyHeaders>)[key]
  }

  /**
   * Adds a hook after those that the route of a request has, from this request on. Returns whether it could.
   */
  appendHook(request: FastifyRequest, name: string, hook: unknown): boolean {
    const context = this.#context(request)
    if (context === undefined) return false
    context[name] = [...((context[name] as unknown[] | null) ?? []), hook]
    return true
  }

  /** Whether the route of a request has hooks of that name that are not the plugin's. */
  hasForeignHooks(request: FastifyRequest, name: string): boolean {
    const hooks = this.#context(request)?.[name] as unknown[] | null | undefined
    return hooks?.some((hook) => !isOwn(hook)) === true
  }

  /** Servers of an app that listens on several addresses, beside `app.server`. */
  otherServers(app: FastifyInstance): readonly unknown[] {
    const servers = inherited(app, 'fastify.serverBindings')
    return Array.isArray(servers) ? servers : []
  }

  /** The option `trustProxy` of the server, which `initialConfig` does not have. */
  trustProxy(app: FastifyInstance): unknown {
    return (inherited(app, 'fastify.options') as { trustProxy?: unknown } | undefined)?.trustProxy
  }

  /** The router that finds the handler of a 404 by the prefixes of scopes. */
  notFoundRouter(app: FastifyInstance): NotFoundRouter | undefined {
    return (inherited(app, 'fastify.404') as { router?: NotFoundRouter } | undefined)?.router
  }

  #context(request: FastifyRequest): RouteContext | undefined {
    if (this.#key === undefined) this.#key = symbolOf(request, 'fastify.context')
    return this.#key === null ? undefined : (request as unknown as Record<symbol, RouteContext>)[this.#key]
  }
}

/** The value that a scope, or one around it, keeps under a symbol. */
function inherited(app: FastifyInstance, description: string): unknown {
  for (let scope: object | null = app; scope !== null; scope = Object.getPrototypeOf(scope)) {
    const key = symbolOf(scope, description)
    if (key !== null) return (scope as Record<symbol, unknown>)[key]
  }
  return undefined
}

function symbolOf(object: object, description: string): symbol | null {
  return Object.getOwnPropertySymbols(object).find((key) => key.description === description) ?? null
}

/** Error handlers inherit from the one they were set over; Fastify's own from no other. */
function isRoot(errorHandler: object | undefined): boolean {
  return errorHandler !== undefined && Object.getPrototypeOf(errorHandler) === Object.prototype
}

/** Whether a response schema applies to replies of that status. */
function shapes(response: object | undefined, status: number): boolean {
  if (response === undefined) return false
  const family = `${Math.floor(status / 100)}xx`
  return [String(status), family, family.toUpperCase(), 'default'].some((status) => status in response)
}
