import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Denied } from './decision.js'
import type { AnyLimiter, Limiter } from './limiter.js'
import type { PolicyOptions } from './policy.js'
import type { Store, SyncStore } from './store.js'

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

/**
 * The kinds of store that a program uses, for TypeScript. The import of `fastify-floodgate/redis` adds the
 * kind that returns promises, and limiters of the plugin must then be awaited. You need not augment it.
 */
export interface StoreKinds {
  sync: true
}

type Later = 'async' extends keyof StoreKinds ? true : false
/** A promise, too, where a program uses a store that returns promises. */
export type Answer<T> = Later extends true ? T | Promise<T> : T
type RegisteredLimiter = Later extends true ? AnyLimiter : Limiter

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
   * Units that a request costs: an integer >= 0, or a function of the request. With `burst: 10` and a cost of
   * 3, three requests pass at once and 1 unit is left. Default: the plugin's `cost`, or 1. If the function
   * returns anything else, the request fails with `FST_FLOODGATE_COST` (500) and charges nothing.
   */
  cost?: number | ((request: FastifyRequest) => number)
  /**
   * The point at which the limiter runs. Default: the plugin's `hook` where `key` is left out, too. Otherwise
   * on arrival for the keys `'ip'` and `'global'`, and after all `onRequest` hooks for any other key. Both
   * are before the body is read.
   */
  hook?: HookName
}

/**
 * A policy and nothing else. Fastify infers the type of a route's `config` from its value. Every option of a
 * policy may be left out, so without this type a number, a misspelt name or a list would pass for a policy
 * without options.
 */
type PolicyObject = RoutePolicy & object & { readonly length?: never }

/**
 * One policy, or several that must all allow. `key`, `cost` and `hook` belong to the limiter: give each once.
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
 * - A function: returns a name, or `false`, for each request. Any other value, such as an unknown name that a
 *   client sent, is charged to the default limiter, and a warning comes once a route.
 *
 * @example
 * ```js
 * app.get('/health', { config: { rateLimit: false } }, handler)
 * app.post('/login', { config: { rateLimit: 'login' } }, handler)
 * app.get('/search', { config: { rateLimit: { rate: 30, per: 'minute' } } }, handler)
 * app.get('/export', { config: { rateLimit: ['default', { rate: 10, per: 'hour' }] } }, handler)
 * app.get('/data', { config: { rateLimit: (request) => (request.user.isPro ? 'pro' : 'free') } }, handler)
 * ```
 */
export type RouteRateLimit =
  | false
  | LimiterName
  | PolicyObject
  | readonly (LimiterName | PolicyObject)[]
  | ((request: FastifyRequest) => LimiterName | false | Promise<LimiterName | false>)

/** Addresses and CIDR blocks, or a function of the request and its key. On arrival the key is an IP. */
export type AllowList = readonly string[] | ((request: FastifyRequest, key: string) => boolean)

/**
 * `'x-ratelimit'`: `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the last in whole seconds. `'draft-11'`:
 * `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11.
 */
export type HeaderFamily = 'x-ratelimit' | 'draft-11'

/**
 * The body of a 429: like Fastify's own errors, problem details (RFC 9457), or the result of a function,
 * which is sent like the payload of a handler.
 */
export type BodyStyle = 'fastify' | 'problem' | ((request: FastifyRequest, decision: Denied) => unknown)

/**
 * Options of the plugin. The policy options describe the default limiter. A wrong option throws at
 * registration a coded error that names the option, its value and what is allowed.
 *
 * @example
 * ```js
 * await app.register(rateLimit, {
 *   rate: 100,
 *   per: 'minute',
 *   burst: 10,
 *   key: 'apiKey',
 *   keys: { apiKey: (request) => request.headers['x-api-key'] },
 *   limiters: { login: { algorithm: 'sliding-window', rate: 5, per: '15 minutes', key: 'ip' } },
 *   guard: { rate: 1000, per: 'minute' },
 * })
 * ```
 */
export interface RateLimitOptions extends Omit<RoutePolicy, 'name'> {
  /** Your key strategies, by name: a letter, then letters, digits, `-` and `_`, at most 64 characters. */
  keys?: Record<string, KeyStrategy>
  /** Limiters that routes can share by name. Each inherits what it leaves out from the default limiter. */
  limiters?: Record<string, AnyPolicy>
  /**
   * A limiter by IP for every request that is not exempt, on arrival. It counts denied requests too. Default:
   * none.
   */
  guard?: PolicyOptions
  /**
   * URLs of routes that no limiter sees, as declared, prefix included. A final `*` stands for any rest:
   * `['/docs', '/docs/*']`. Default: none.
   */
  exempt?: readonly string[]
  /**
   * Clients that are never limited and never counted: `['10.0.0.0/8', '::1']`, or a function. Default: none.
   */
  allow?: AllowList
  /**
   * Prefix of two environment variables that replace `rate` and `burst` of the code:
   * `<prefix>RATE_LIMIT_PER_MIN` (with `per: 'minute'`) and `<prefix>BURST`. Anything but a positive integer
   * throws `FST_FLOODGATE_ENV`.
   */
  env?: string
  /** Where state lives. Default: a new `memoryStore()`. */
  store?: Later extends true ? Store : SyncStore
  /**
   * Families of headers to send: one, both, or `[]`. Default: `['x-ratelimit']`. A 429 has also
   * `Retry-After`, unless no wait helps.
   */
  headers?: readonly HeaderFamily[]
  /**
   * Whether Access-Control-Expose-Headers names the headers, so that scripts of other origins can read them.
   * Default: false.
   */
  exposeHeaders?: boolean
  /** The body of a 429. Default: `'fastify'`. Your own error handler replaces it. */
  body?: BodyStyle
  /** Warnings that are emitted: all (default), none, or by code: `{ FST_FLOODGATE_W010: false }`. */
  warnings?: boolean | Readonly<Record<string, boolean>>
  /** IPv6 clients are counted per network of this many bits, 1 to 128. Default: 64. */
  ipv6Prefix?: number
  /**
   * Called at each denial, before the reply. It may reply itself. If it throws, the error is logged and the
   * 429 is sent.
   */
  onDenied?: (request: FastifyRequest, reply: FastifyReply, decision: Denied) => void
}

/** All limiters of one registration, by name: `app.rateLimit`. Iterating yields the limiters. */
export interface RateLimitRegistry extends Iterable<RegisteredLimiter> {
  /**
   * Adds a limiter that routes and hooks can name. Throws `FST_FLOODGATE_DUPLICATE` if the name is taken, and
   * `FST_FLOODGATE_OPTION` for `'default'` and `'guard'`, which have options of their own.
   */
  define(name: string, policies: AnyPolicy): RegisteredLimiter
  /** The limiter of that name; throws `FST_FLOODGATE_UNKNOWN_LIMITER` if there is none. */
  get(name: LimiterName): RegisteredLimiter
  has(name: string): boolean
  /**
   * A lifecycle handler for `onRequest`, `preValidation` or `preHandler`, to place by hand. It charges in
   * addition to what the route's own config asks for. A policy makes a limiter of its own, so call this once
   * for each handler: once the app is ready a policy throws `FST_FLOODGATE_LATE_HOOK`. A name may be given at
   * any time.
   */
  hook(limiter: LimiterName | RoutePolicy): onRequestHookHandler
}
