import type {
  AnyLimiter,
  AsyncLimiter,
  AsyncStore,
  Limiter,
  LimiterOptions,
  LimiterSettings,
  Period,
  Policy,
  PolicyOptions,
  Store,
  SyncStore,
} from '../../types/index.js'
import { checkName, compilePolicy, invalidOption, ownOptions, POLICY_OPTIONS } from '../policy/index.js'
import { memoryStore } from '../store/index.js'
import { limiterOver } from './store-limiter.js'

/**
 * Returns a limiter for anything that has keys: bot commands, queue jobs, WebSocket messages, requests of any
 * framework. Without a `store` it gets a `memoryStore()` of its own. Over a `redisStore()` it answers with
 * promises. Throws `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION` for options that are not
 * allowed.
 *
 * @example
 * ```js
 * const commands = createLimiter({ name: 'commands', algorithm: 'sliding-window', rate: 5, per: 'minute' })
 * commands.take('slack:U0123456789') // { allowed: true, limit: 5, remaining: 4, resetAfter: 60_000, ... }
 *
 * // Several policies, which must all allow.
 * const mails = createLimiter({ name: 'mails', policies: [{ rate: 10 }, { rate: 100, per: 'day' }] })
 *
 * // One limit for all processes.
 * const jobs = createLimiter({ name: 'jobs', rate: 50 }, { store: redisStore({ client }) })
 * const decision = await jobs.take('tenant:7', { cost: 5 })
 * ```
 */
export function createLimiter(
  options: LimiterOptions,
  settings: LimiterSettings & { store: AsyncStore },
): AsyncLimiter
export function createLimiter(
  options: LimiterOptions,
  settings?: LimiterSettings & { store?: SyncStore },
): Limiter
export function createLimiter(options: LimiterOptions, settings: LimiterSettings): AnyLimiter
export function createLimiter(options: LimiterOptions, settings: LimiterSettings = {}): AnyLimiter {
  for (const setting of SETTINGS)
    if (Object.hasOwn(Object(options), setting))
      throw invalidOption(setting, options[setting as never], 'in the second argument, { store, maxWaiting }')
  const own = ownOptions(options, [...POLICY_OPTIONS, 'policies'], '')
  const { store = memoryStore(), maxWaiting } = ownOptions(settings, SETTINGS, 'settings.')
  checkStore(store)
  if (maxWaiting !== undefined && (!Number.isSafeInteger(maxWaiting) || maxWaiting < 0))
    throw invalidOption('settings.maxWaiting', maxWaiting, 'an integer of 0 or more')
  const name = checkName(own.name, 'name')
  const over = (policies: readonly Policy[]) =>
    limiterOver(name, policies, store, name, undefined, { maxWaiting })
  if (!('policies' in own)) return over([compilePolicy(own, name)])
  const { policies } = ownOptions(own, ['name', 'policies'], '')
  if (!Array.isArray(policies)) throw invalidOption('policies', policies, 'a list of one policy or more')
  return over(compilePolicies(policies, name, 'policies'))
}

const SETTINGS = ['store', 'maxWaiting'] as const
const VERBS = ['open', 'take', 'peek', 'refund', 'reset', 'block', 'stats'] as const

/** Throws `FST_FLOODGATE_OPTION` for a `store` that a limiter cannot use. */
export function checkStore(store: Store): void {
  const also =
    store?.sync === false ? (['storeKey', 'onStateChange', 'close'] as const) : (['renew'] as const)
  if ([...VERBS, ...also].every((verb) => typeof (store as never)?.[verb] === 'function')) return
  const isClient = ['evalsha', 'evalSha'].some((verb) => typeof (store as never)?.[verb] === 'function')
  const allowed = isClient
    ? 'redisStore({ client }), not the client itself'
    : 'a store, such as memoryStore()'
  throw invalidOption('store', store, allowed)
}

/**
 * Compiles the policies of a limiter. A single policy without a name gets the limiter's name. Several get
 * `<limiter>-<rate>-per-<period>` or `<limiter>-<limit>-in-progress`. `where` is the path of the list in
 * errors.
 */
export function compilePolicies(list: readonly PolicyOptions[], limiter: string, where: string): Policy[] {
  if (list.length === 0) throw invalidOption(where, list, 'a list of one policy or more')
  const names = new Set<string>()
  return list.map((options, i) => {
    const own = ownOptions(options, POLICY_OPTIONS, `${where}[${i}].`)
    const compiled = compilePolicy(own, limiter, `${where}[${i}].`)
    const name = own.name ?? (list.length === 1 ? limiter : spell(limiter, compiled, own.per))
    checkName(name, `${where}[${i}].name`)
    if (names.has(name))
      throw invalidOption(`${where}[${i}].name`, name, 'a name that no other policy of the limiter has')
    names.add(name)
    return { ...compiled, name }
  })
}

function spell(limiter: string, { algorithm, rate }: Policy, per: Period = 'minute'): string {
  if (algorithm === 'concurrency') return `${limiter}-${rate}-in-progress`
  return `${limiter}-${rate}-per-${typeof per === 'number' ? `${per}ms` : per.replaceAll(' ', '')}`
}
