import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export type ReplyHeaders = Record<string, string | undefined>

/** What we read of Fastify's context of a route, beyond its public API. Optional, all of it. */
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
 * The one place that looks behind Fastify's public API, for what it does not offer, or not as quickly: the route of a request without
 * building `request.routeOptions` each time, the headers of a reply, hooks for a route that was declared before the plugin loaded,
 * what `trustProxy` is,
 * and the router of 404s. Where a version of Fastify hides these from us, `config` goes the public way, and the others say no.
 */
export class Internals {
  #key: symbol | null | undefined
  #headersKey: symbol | null | undefined

  /** The route's config: an object of Fastify's own, one a route. */
  config(request: FastifyRequest): object {
    return this.#context(request)?.config ?? request.routeOptions.config
  }

  /** Would nobody but us see the difference between an error of that status and the body that Fastify makes of it? */
  answersPlainly(request: FastifyRequest, status: number): boolean {
    const context = this.#context(request)
    const response = context?.schema?.response
    return this.hasDefaultErrorHandler(request) && !context?.onError && !shapes(response, status)
  }

  /** Is the error handler of the route known to be Fastify's own? */
  hasDefaultErrorHandler(request: FastifyRequest): boolean {
    return isRoot(this.#context(request)?.errorHandler)
  }

  /** Does nothing look at what is sent? */
  sendsUnchanged(request: FastifyRequest): boolean {
    return this.#context(request)?.onSend === null
  }

  /** The headers of a reply where Fastify keeps them, by names in lower case: a third of the way that `reply.header` goes. */
  headers(reply: FastifyReply): ReplyHeaders | undefined {
    if (this.#headersKey === undefined) this.#headersKey = symbolOf(reply, 'fastify.reply.headers')
    const key = this.#headersKey
    return key === null ? undefined : (reply as unknown as Record<symbol, ReplyHeaders>)[key]
  }

  /** Adds a hook after those that the route of a request has, for this request on; tells whether it could. */
  appendHook(request: FastifyRequest, name: string, hook: unknown): boolean {
    const context = this.#context(request)
    if (context === undefined) return false
    context[name] = [...((context[name] as unknown[] | null) ?? []), hook]
    return true
  }

  /** The option `trustProxy` of the server, which `initialConfig` does not tell. */
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

/** What a scope or one of those around it keeps under a symbol. */
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

/** Does a response schema have a say in what a reply of that status looks like? */
function shapes(response: object | undefined, status: number): boolean {
  if (response === undefined) return false
  const family = `${Math.floor(status / 100)}xx`
  return [String(status), family, family.toUpperCase(), 'default'].some((status) => status in response)
}
