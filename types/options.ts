import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Decision, Denied } from './decision.js'
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
 * The kinds of store that a program uses, for TypeScript: importing `fastify-floodgate/redis` adds the kind that answers with
 * promises, so that limiters of the plugin are to be awaited. Nothing to do for you.
 */
export interface StoreKinds {
  sync: true
}

type Later = 'async' extends keyof StoreKinds ? true : false
type Answer<T> = Later extends true ? T | Promise<T> : T
type RegisteredLimiter = Later extends true ? AnyLimiter : Limiter

type NamesOf<Names, BuiltIn extends string> = [keyof Names] extends [never]
  ? BuiltIn | (string & {})
  : BuiltIn | (keyof Names & string)

/** `'default'` or a name you defined. */
export type LimiterName = NamesOf<LimiterNames, 'default'>

/** `'ip'`, `'global'` or a name from `keys`. */
export type KeyStrategyName = NamesOf<KeyNames, 'ip' | 'global'>

/** A list, the type of a header that came twice, is no key. */
type Key = string | number | bigint | readonly string[] | null | undefined

/**
 * A way from a request to the key that is counted. What is `undefined`, `null` or `''`, what throws and what rejects falls
 * back to the client's IP, in a key space of its own, and warns once.
 */
export type KeyStrategy = (request: FastifyRequest) => Key | Promise<Key>

/** Where a limiter runs when not on arrival: after the route's own hooks of that name. */
export type HookName = 'preValidation' | 'preHandler'

/** A policy with what only requests have: a key strategy, a cost and a place in the lifecycle. */
export interface RoutePolicy extends PolicyOptions {
  /** Who is counted: the name of a strategy or a function of the request. Default: the plugin's `key`. */
  key?: KeyStrategyName | KeyStrategy
  /** Units a request costs: an integer >= 0, or a function of the request. Default: the plugin's `cost`, or 1. */
  cost?: number | ((request: FastifyRequest) => number)
  /**
   * Default: the plugin's `hook`, where `key` is left out, too; else on arrival for the keys `'ip'` and `'global'`, else after all `onRequest` hooks. Both are before the body
   * is read.
   */
  hook?: HookName
}

/**
 * A policy and nothing else. Fastify infers the type of a route's `config` from what it is given; where every option may be left
 * out, a number, a misspelt name or a list would pass for a policy that says nothing.
 */
type PolicyObject = RoutePolicy & object & { readonly length?: never }

/** One policy, or several that must all allow. `key`, `cost` and `hook` are the limiter's: give each once. */
export type AnyPolicy = RoutePolicy | readonly RoutePolicy[]

/**
 * `config.rateLimit` of a route: `false` (exempt), the name of a limiter (shared by all routes that name it), a policy of
 * the route's own (what it omits comes from the default limiter), a list of both (all must allow, a denial by one charges
 * none), or a function that picks a name or `false` for each request. What it returns otherwise, such as an unknown name that a
 * client sent, is charged to the default limiter and warned of once a route.
 */
export type RouteRateLimit =
  | false
  | LimiterName
  | PolicyObject
  | readonly (LimiterName | PolicyObject)[]
  | ((request: FastifyRequest) => LimiterName | false | Promise<LimiterName | false>)

/** Addresses and CIDR blocks, or a function of the request and its key (an IP on arrival). */
export type AllowList = readonly string[] | ((request: FastifyRequest, key: string) => boolean)

/** `'draft-11'`: RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-11. */
export type HeaderFamily = 'x-ratelimit' | 'draft-11'

/**
 * Shape of the body of a 429: as Fastify's own errors, as problem details (RFC 9457), or whatever your function returns, sent
 * like the payload of a handler.
 */
export type BodyStyle = 'fastify' | 'problem' | ((request: FastifyRequest, decision: Denied) => unknown)

/** Options of the plugin. The policy options describe the default limiter. */
export interface RateLimitOptions extends Omit<RoutePolicy, 'name'> {
  /** Key strategies of your own, by name: letters, digits, `-` and `_`. */
  keys?: Record<string, KeyStrategy>
  /** Limiters that routes can share by name. What an entry omits comes from the default limiter. */
  limiters?: Record<string, AnyPolicy>
  /** A limiter by IP for every request that is not exempt, on arrival. It counts denied requests too. Default: none. */
  guard?: PolicyOptions
  /** URLs of routes (as declared, prefix included) that no limiter sees; a final `*` stands for any rest. */
  exempt?: readonly string[]
  /** Clients that are never limited, and never counted. */
  allow?: AllowList
  /**
   * Prefix of two environment variables that win over the code: `<prefix>RATE_LIMIT_PER_MIN` (rate, with `per: 'minute'`)
   * and `<prefix>BURST`, both positive integers.
   */
  env?: string
  /** Where state lives. Default: a `memoryStore()` of this registration's own. */
  store?: Later extends true ? Store : SyncStore
  /** Families of headers to send, one or both, or `[]`. Default: `['x-ratelimit']`. `Retry-After` is always sent with a 429. */
  headers?: readonly HeaderFamily[]
  /** Names the headers in Access-Control-Expose-Headers, so that scripts of other origins can read them. Default: false. */
  exposeHeaders?: boolean
  /** Shape of the 429 body. Default: `'fastify'`. An error handler of your own comes before it. */
  body?: BodyStyle
  /** Warnings that are wanted: all (default), none, or by code. */
  warnings?: boolean | Readonly<Record<string, boolean>>
  /** IPv6 clients are counted per network of this many bits, 1 to 128. Default: 64. */
  ipv6Prefix?: number
  /** Called at each denial, before the reply. It may reply itself. What it throws is logged, and denies all the same. */
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
   * A lifecycle handler for `onRequest`, `preValidation` or `preHandler`, to place by hand. It charges in addition to
   * what the route's own config asks for. A policy makes a limiter of its own, so call this once for each handler: once the app is
   * ready a policy throws `FST_FLOODGATE_LATE_HOOK`. A name may be given at any time.
   */
  hook(limiter: LimiterName | RoutePolicy): onRequestHookHandler
}

/** What the limiters did with one request. */
export interface RequestRateLimit {
  /** The tightest decision so far. */
  readonly decision: Decision
  /** Every policy's decision so far, the tightest first. */
  readonly decisions: readonly Decision[]
  /** Name of the limiter that took the tightest decision. */
  readonly limiter: string
  /** The key that it counted. */
  readonly key: string
  /**
   * Charges more, for costs known only later, to every limiter that this request was charged to (the guard apart): all
   * or none. Updates `decision` and the headers, if they are not sent yet. Await it: it is a promise where the store is asked
   * over a network.
   */
  take(cost?: number): Answer<Decision>
  /** Gives back `cost` units, or all that the request has been charged so far. Updates `decision` and the headers. Await it. */
  refund(cost?: number): Answer<void>
}
