import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Change, ChangeOptions } from './changes.js'
import type { Override, OverrideOptions } from './limits.js'
import type { Offender } from './offenders.js'
import type { Answer, RegisteredLimiter } from './options.js'
import type { Period, Policy, PolicyOptions } from './policy.js'
import type { ProcessReport } from './processes.js'
import type { AnyPolicy, LimiterName, RoutePolicy } from './route.js'
import type { RateLimitStats } from './stats.js'

/** Also limiters that a route describes, which are called after it: `'GET /search'`. */
type AnyLimiterName = LimiterName | 'guard' | (string & {})

/** All limiters of one registration, by name: `app.rateLimit`. Iterating yields the limiters. */
export interface RateLimitRegistry extends Iterable<RegisteredLimiter> {
  /**
   * Adds a limiter that routes and hooks can name. Throws `FST_FLOODGATE_DUPLICATE` if the name is taken, and
   * `FST_FLOODGATE_OPTION` for `'default'` and `'guard'`, which have options of their own.
   *
   * @example
   * ```js
   * app.rateLimit.define('mail', { rate: 10, per: 'hour', key: 'user' })
   * ```
   */
  define(name: string, policies: AnyPolicy): RegisteredLimiter
  /** The limiter of that name; throws `FST_FLOODGATE_UNKNOWN_LIMITER` if there is none. */
  get(name: LimiterName | 'guard'): RegisteredLimiter
  /** Whether there is a limiter of that name, one that a route describes included. */
  has(name: string): boolean
  /**
   * Gives a limiter other policies: `'default'`, `'guard'`, one of the option `limiters`, or one that a route
   * describes. They are checked whole before anything changes, and the next decision goes by them. What they
   * leave out they inherit as in the option; `cost`, `charge` and `status` stay where nothing else is said;
   * `key` and `hook` cannot change. Keys begin fresh, except that what `block()` blocked stays blocked.
   * Limiters that inherit from `'default'` stay as they are. It wins over the code, the environment and a
   * document of the option `limits`, until `null` ends it. It holds here at once, and over Redis in all
   * processes within 2 seconds, also after they restart; where Redis is away it is sent later, and the log
   * says so. Functions do not travel. Throws as `get` does, and `FST_FLOODGATE_OPTION`.
   *
   * @example
   * ```js
   * app.rateLimit.update('search', { rate: 10, per: 'minute' }, { who: 'ana', comment: 'scraped' })
   * ```
   */
  update(name: AnyLimiterName, policies: AnyPolicy | null, options?: ChangeOptions): void
  /**
   * The policies of a limiter that are in force, with what they inherit, as `update()` takes them: an object,
   * or a list where there are several. Functions are left out. Each call returns new objects, which you may
   * edit. Throws as `get` does.
   *
   * @example
   * ```js
   * app.rateLimit.optionsOf('search') // { rate: 60, per: 'minute', burst: 20, ... }
   * ```
   */
  optionsOf(name: AnyLimiterName): AnyPolicy
  /**
   * The policies that `update()` would put in force, checked and with all their numbers. Nothing changes.
   * Throws as `update()` does.
   *
   * @example
   * ```js
   * app.rateLimit.preview('search', { rate: 10 }) // [{ name: 'search', rate: 10, per: 60_000, ... }]
   * ```
   */
  preview(name: AnyLimiterName, policies: AnyPolicy | null): Policy[]
  /**
   * Gives one key of a limiter another policy, or none with `false`. What the policy leaves out it takes from
   * the limiter. A second one replaces the first; `null` ends it. It wins over one of a document for the same
   * key, and reaches other processes as an update does. At most 100,000. Throws as `update` does, and
   * `FST_FLOODGATE_KEY`.
   *
   * @example
   * ```js
   * const until = '2027-01-31T18:00:00Z'
   * app.rateLimit.override('default', 'acme', { rate: 1000 }, { until, comment: 'sale' })
   * app.rateLimit.override('default', 'acme', null)
   * ```
   */
  override(
    limiter: AnyLimiterName,
    key: string,
    policy: PolicyOptions | false | null,
    options?: OverrideOptions,
  ): void
  /**
   * The overrides that are in force.
   *
   * @example
   * ```js
   * app.rateLimit.overrides() // [{ limiter: 'default', key: 'acme', policy: { rate: 1000 }, used: 42, ... }]
   * ```
   */
  overrides(): Override[]
  /**
   * Blocks one key of a limiter, as `get(limiter).block(key, period)` does, and lists it among the changes.
   * Over Redis it holds in all processes within 2 seconds, deny caches and leases included. Throws, or
   * rejects, as that does.
   *
   * @example
   * ```js
   * await app.rateLimit.block('search', '203.0.113.7', '1 hour', { who: 'ana', comment: 'scraper' })
   * ```
   */
  block(limiter: AnyLimiterName, key: string, period: Period, options?: ChangeOptions): Answer<void>
  /**
   * Forgets one key of a limiter, as `get(limiter).reset(key)` does, and lists it among the changes. Over
   * Redis it holds in all processes within 2 seconds. Throws, or rejects, as that does.
   *
   * @example
   * ```js
   * await app.rateLimit.reset('login', 'ana@example.com', { who: 'support' })
   * ```
   */
  reset(limiter: AnyLimiterName, key: string, options?: ChangeOptions): Answer<void>
  /**
   * The last 100 changes, the newest first: calls of `update()`, `override()`, `block()` and `reset()`, and
   * documents of the option `limits`. Over Redis, those by other processes, too. What code asks of a limiter
   * itself, such as `get('login').reset(email)` after each login, is not in the list.
   *
   * @example
   * ```js
   * app.rateLimit.changes() // [{ who: 'ana', verb: 'update', limiter: 'search', text: '{"rate":10}', ... }]
   * ```
   */
  changes(): Change[]
  /**
   * The key that a limiter (default: `'default'`) counts a request under: what it has counted already, or
   * what its key strategy returns now. `null` while there is no key yet. A promise where the key strategy is
   * async. Throws as `get` does.
   *
   * @example
   * ```js
   * const key = await app.rateLimit.keyOf(request, 'search')
   * const { remaining } = await app.rateLimit.get('search').peek(key)
   * ```
   */
  keyOf(request: FastifyRequest, limiter?: LimiterName | 'guard'): string | null | Promise<string | null>
  /**
   * The counts of all decisions since the plugin was registered, and the state of the store: a snapshot of
   * this process. A decision counts for each policy that allowed it, or that denied it.
   *
   * @example
   * ```js
   * const { limiters, store } = app.rateLimit.stats()
   * limiters.default.policies.default // { rate: 100, per: 60_000, allowed: 4211, denied: 12, ... }
   * store // { kind: 'memory', state: 'up', keys: 840, maxKeys: 100_000, forgotten: 0, ... }
   * ```
   */
  stats(): RateLimitStats
  /**
   * The processes that share these limiters, and their `stats()`: this one, first. Over Redis, others report
   * once a second while it is called: the first call knows this process only, and later ones know all of them
   * about two seconds after it. A process that died is gone within 10 seconds.
   *
   * @example
   * ```js
   * for (const { host, pid, stats } of app.rateLimit.processes()) console.log(host, pid, stats.waiting)
   * ```
   */
  processes(): ProcessReport[]
  /**
   * The keys that were denied most in the last `per` of the option `offenders`, of all limiters or of one,
   * the worst first. `most`: an integer of 0 or more; default: all. Throws `FST_FLOODGATE_OPTION` without
   * that option and for another `most`, `FST_FLOODGATE_UNKNOWN_OPTION`, and `FST_FLOODGATE_UNKNOWN_LIMITER`.
   *
   * @example
   * ```js
   * app.rateLimit.offenders({ limiter: 'login' })
   * // [{ limiter: 'login', key: '203.0.113.7', denied: 211, blocked: 40, shadowDenied: 0, error: 0, ... }]
   * ```
   */
  offenders(options?: { limiter?: string; most?: number }): Offender[]
  /**
   * The key of an offender by its `id`, as it is counted. Null where it is not remembered, or where another
   * process made the id.
   *
   * @example
   * ```js
   * const [{ limiter, id }] = app.rateLimit.offenders()
   * await app.rateLimit.block(limiter, app.rateLimit.keyOfOffender(limiter, id), '1 hour')
   * ```
   */
  keyOfOffender(limiter: string, id: string): string | null
  /**
   * The text that stands for a key wherever it is displayed: what `show` of the option `offenders` returns,
   * or its default.
   *
   * @example
   * ```js
   * app.rateLimit.showKey('login', 'demo@example.com') // 'demo…' and eight hex digits
   * ```
   */
  showKey(limiter: string, key: string): string
  /**
   * A lifecycle handler for `onRequest`, `preValidation` or `preHandler`, to place by hand. It charges in
   * addition to what the route's own config asks for. A policy makes a limiter of its own, so call this once
   * for each handler: once the app is ready a policy throws `FST_FLOODGATE_LATE_HOOK`. A name may be given at
   * any time. In any other place the handler throws `FST_FLOODGATE_HOOK`.
   *
   * @example
   * ```js
   * app.setNotFoundHandler({ preHandler: app.rateLimit.hook('login') }, notFound)
   * ```
   */
  hook(limiter: LimiterName | RoutePolicy): onRequestHookHandler
}
