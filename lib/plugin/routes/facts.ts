import type { RouteOptions } from 'fastify'

/** The parts of a route that decide its plan. */
export interface RouteFacts {
  /** The URL; without the last slash for a prefixed `/`, which is one route with and without it. */
  readonly url: string
  readonly prefix: string
  readonly methods: readonly string[]
  readonly constraints?: object
  readonly rateLimit: unknown
  /** Whether the plugin first saw the route when a request came. */
  readonly late: boolean
}

/** The facts of a route, from its options or, when a request comes, from `request.routeOptions`. */
export function factsOf(
  options: Pick<RouteOptions, 'constraints' | 'config'>,
  url: string,
  method: string | readonly string[],
  prefix: string,
  late: boolean,
): RouteFacts {
  const canonical = prefix !== '' && url === `${prefix}/` ? prefix : url
  const { constraints, config } = options
  const methods = ([] as string[]).concat(method)
  return { url: canonical, prefix, methods, constraints, rateLimit: rateLimitOf(config), late }
}

/** The `rateLimit` of a route's config. Only a property of its own counts: see `ownOptions`. */
export function rateLimitOf(config: object | undefined): unknown {
  return config !== undefined && Object.hasOwn(config, 'rateLimit')
    ? (config as { rateLimit: unknown }).rateLimit
    : undefined
}

/** The name of a route in errors, and of its own limiters: printable ASCII. */
export function routeName({ methods, url }: RouteFacts): string {
  return `${methods.join('|')} ${encodeURI(url)}`
}

/**
 * Whether two routes of one URL share their limits. They are a GET and its HEAD, a prefixed `/` with and
 * without the slash, or one route seen twice: when it was declared, and when a request came after another
 * plugin had rebuilt its config.
 */
export function isSameRoute(a: RouteFacts, b: RouteFacts): boolean {
  if (a.rateLimit !== b.rateLimit || a.constraints !== b.constraints) return false
  const isHeadOf = (head: RouteFacts, get: RouteFacts) =>
    head.methods[0] === 'HEAD' && get.methods.includes('GET')
  const sameMethods = a.methods.join() === b.methods.join()
  return isHeadOf(a, b) || isHeadOf(b, a) || (sameMethods && (a.late !== b.late || a.url === a.prefix))
}
