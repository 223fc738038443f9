import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PolicyOptions } from './policy.js'

/**
 * Names of your limiters, for TypeScript: augment it and route configs are checked against it.
 *
 *     declare module 'fastify-floodgate' { interface LimiterNames { login: true } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: an interface, because users augment it
export interface LimiterNames {}

/** Names of your key strategies, for TypeScript: augment it like `LimiterNames`. */
// biome-ignore lint/suspicious/noEmptyInterface: an interface, because users augment it
export interface KeyNames {}

type NamesOf<Names, BuiltIn extends string> = [keyof Names] extends [never]
  ? BuiltIn | (string & {})
  : BuiltIn | (keyof Names & string)

/** `'default'` or a name you defined. */
export type LimiterName = NamesOf<LimiterNames, 'default'>

/** `'ip'`, `'global'` or a name from `keys`. */
export type KeyStrategyName = NamesOf<KeyNames, 'ip' | 'global'>

/** A list is the type of a header that came twice. It is no key. */
type Key = string | number | bigint | readonly string[] | null | undefined

/**
 * Returns the key under which a request is counted, or a promise of it. If the result is no key (`undefined`,
 * `null`, `''`, a list, an object), or the function fails, the request is counted under its client's IP, in a
 * key space of its own, and a warning comes once.
 *
 * @example
 * ```js
 * const apiKey = (request) => request.headers['x-api-key']
 * ```
 */
export type KeyStrategy = (request: FastifyRequest) => Key | Promise<Key>

/** The point at which a limiter runs: after the route's own hooks of that name. */
export type HookName = 'preValidation' | 'preHandler'

/**
 * A policy for requests: it has also a key strategy, a cost and a point in the lifecycle.
 *
 * @example
 * ```js
 * // 30 a minute for each user, at most 5 at once; a batch costs as many units as it has items.
 * const cost = (request) => request.query.ids.length
 * const search = { rate: 30, per: 'minute', burst: 5, key: 'user', cost }
 * ```
 */
export interface RoutePolicy extends PolicyOptions {
  /** The name of a key strategy, or a function of the request. Default: the plugin's `key`. */
  key?: KeyStrategyName | KeyStrategy
  /**
   * Units that a request costs: an integer >= 0, or a function of the request, which may be async. With
   * `burst: 10` and a cost of 3, three requests pass at once and 1 unit is left. Default: the plugin's
   * `cost`, or 1. If the function returns anything else, the request fails with `FST_FLOODGATE_COST` (500)
   * and charges nothing. With `hook: 'preHandler'` the function can read the body.
   */
  cost?: number | ((request: FastifyRequest) => number | Promise<number>)
  /**
   * The point at which the limiter runs. Default: the plugin's `hook` where `key` is left out, too. Otherwise
   * on arrival for the keys `'ip'` and `'global'`, and after all `onRequest` hooks for any other key. Both
   * are before the body is read. A request that has no key then is asked again after the route's
   * `preParsing`, `preValidation` and `preHandler` hooks, if it has any.
   */
  hook?: HookName
  /**
   * The units that a request is charged in the end. It is charged its cost on arrival, so that parallel
   * requests cannot pass together; what is not to be charged is given back when the response is there.
   * `'failed'`: only responses with a status of 400 or above, as for logins. `'succeeded'`: only the others.
   * A function returns the units: an integer from 0 to what was charged, or a promise of it. A response that
   * is aborted stays charged. Default: what was charged on arrival.
   */
  charge?: ChargeRule
  /**
   * The status of a denial: 429, the client has had its share (default), or 503, the service sheds load,
   * as with a limit for `key: 'global'`.
   */
  status?: 429 | 503
}

/** The units that a request is charged in the end: see `RoutePolicy.charge`. */
export type ChargeRule =
  | 'failed'
  | 'succeeded'
  | ((request: FastifyRequest, reply: FastifyReply) => number | Promise<number>)

/**
 * A policy and nothing else. Fastify infers the type of a route's `config` from its value. Every option of a
 * policy may be left out, so without this type a number, a misspelt name or a list would pass for a policy
 * without options.
 */
type PolicyObject = RoutePolicy & object & { readonly length?: never }

/**
 * One policy, or several that must all allow. `key`, `cost`, `hook`, `charge` and `status` belong to the
 * limiter: give each once.
 *
 * @example
 * ```js
 * const login = [{ rate: 5, per: 'minute' }, { rate: 50, per: 'day' }]
 * ```
 */
export type AnyPolicy = RoutePolicy | readonly RoutePolicy[]

/**
 * `config.rateLimit` of a route:
 *
 * - `false`: the route is exempt.
 * - A name: the limiter of that name, which all routes that name it share.
 * - A policy: a limiter of the route's own. It inherits what it leaves out from the default limiter.
 * - A list of names and policies: all must allow, and a denial by one charges none of them.
 * - A function: returns any of these for each request, or a promise of it. The keys of a policy that it
 *   returns belong to the route, and each law has keys of its own. Any other value, such as an unknown name
 *   that a client sent, is charged to the default limiter, and a warning comes once a route. A function that
 *   returns nothing or throws is asked again after the route's hooks that may authenticate.
 *
 * @example
 * ```js
 * app.get('/health', { config: { rateLimit: false } }, handler)
 * app.post('/login', { config: { rateLimit: 'login' } }, handler)
 * app.get('/search', { config: { rateLimit: { rate: 30, per: 'minute' } } }, handler)
 * app.get('/export', { config: { rateLimit: ['default', { rate: 10, per: 'hour' }] } }, handler)
 * app.get('/data', { config: { rateLimit: (request) => (request.user.isPro ? 'pro' : 'free') } }, handler)
 * app.get('/all', { config: { rateLimit: async (request) => ({ rate: await rateOf(request) }) } }, handler)
 * ```
 */
export type RouteRateLimit =
  | RateLimitValue
  | ((request: FastifyRequest) => ChosenLimit | Promise<ChosenLimit>)

/** The limit of a route: see `RouteRateLimit`. */
export type RateLimitValue = false | LimiterName | PolicyObject | readonly (LimiterName | PolicyObject)[]

/** The limit that a function returns; nothing, where it must be asked again after later hooks. */
type ChosenLimit = RateLimitValue | null | undefined
