import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Denied } from './decision.js'
import type { AnyLimiter, Limiter } from './limiter.js'
import type { LimitsSource } from './limits.js'
import type { OffenderOptions } from './offenders.js'
import type { PolicyOptions } from './policy.js'
import type { AnyPolicy, KeyStrategy, RoutePolicy, RouteRateLimit } from './route.js'
import type { Store, SyncStore } from './store.js'

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
/** A limiter of the plugin. */
export type RegisteredLimiter = Later extends true ? AnyLimiter : Limiter

/**
 * Addresses and CIDR blocks, or a function of the request, its key and the name of the limiter, which may be
 * async. On arrival the key is an IP.
 */
export type AllowList =
  | readonly string[]
  | ((request: FastifyRequest, key: string, limiter: string) => boolean | Promise<boolean>)

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
   * The limit of routes without a `config.rateLimit`, in any of its forms. Default: `'default'`. `false`
   * limits only the routes that ask for it. Names are those of the option `limiters`.
   */
  rateLimit?: RouteRateLimit
  /**
   * The same for requests that no route serves (404). Default: the default limiter if its key is `'ip'`, else
   * the guard only.
   */
  notFound?: RouteRateLimit
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
  /**
   * Limits that change while the app runs: `fileLimits()` or `redisLimits()` of `fastify-floodgate/limits`.
   * They win over `env`, which wins over the code. Default: none.
   */
  limits?: LimitsSource
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
   * Most requests that are held at a time by policies with `wait`: an integer of 0 or more. Beyond it, what
   * would wait is denied. Default: 1,000.
   */
  maxWaiting?: number
  /**
   * Remembers the keys that each limiter denies most, for `app.rateLimit.offenders()`: `{}`, or an object
   * with `size`, `per` and `show`. Default: no key is remembered.
   */
  offenders?: OffenderOptions
  /**
   * The level at which the app's logger says that a limiter denies: its first denial, and then at most one
   * line a minute, with the number of denials and without keys. `false` for no lines. Default: `'info'`.
   */
  log?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | (string & {}) | false
  /**
   * Called at each denial, before the reply. It may reply itself. If it throws, the error is logged and the
   * 429 is sent. `context.first`: whether this denial is the first of a streak.
   *
   * @example
   * ```js
   * const onDenied = (request, reply, decision, { first }) => {
   *   if (first) request.log.warn({ policy: decision.policy }, 'denied')
   * }
   * ```
   */
  onDenied?: (request: FastifyRequest, reply: FastifyReply, decision: Denied, context: DenialContext) => void
}

/** Further facts about a denial. */
export interface DenialContext {
  /**
   * Whether the key was not being denied before by the policy that the decision names. The streak lasts until
   * the key is charged. `false` also where no wait helps, and where `block()` blocked the key.
   */
  readonly first: boolean
}
