import type { FastifyRequest, RouteShorthandOptions } from 'fastify'

/**
 * Options of the console.
 *
 * @example
 * ```js
 * app.register(rateLimitConsole, {
 *   prefix: '/limits',
 *   onRequest: requireOperator,
 *   who: (request) => request.user.name,
 * })
 * ```
 */
export interface RateLimitConsoleOptions {
  /**
   * Your hook, or a list of hooks, that lets operators through and nobody else. They run for every route of
   * the console: the page, its files, the API and the stream. Required, unless `public` is true.
   */
  onRequest?: RouteShorthandOptions['onRequest']
  /** `true`: everybody who reaches the console may see and change everything. Default: false. */
  public?: boolean
  /**
   * The operator of a request, for the list of changes and the log: at most 200 characters. It is called
   * before each change. If it throws, nothing changes. Default: nobody is named.
   */
  who?: (request: FastifyRequest) => string | undefined
}
