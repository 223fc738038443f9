import type { AnyPolicy, HookName, Policy, RoutePolicy } from '../../../types/index.js'
import { compilePolicies } from '../../limiter/index.js'
import { compilePolicy, invalidOption, ownOptions, POLICY_OPTIONS, show } from '../../policy/index.js'
import { HOOKS } from '../lifecycle/points.js'
import type { Cost } from './request-limiter.js'

export const ROUTE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'key', 'cost', 'hook']

/**
 * What policies inherit for the options that they leave out: the default limiter, as far as the user
 * described it.
 */
export type Defaults = RoutePolicy & {
  /** The period that the code says, where the environment says another. */
  readonly codePer?: RoutePolicy['per']
}

/** What the policies of a limiter say, checked and with what they inherit. */
export interface LimiterOptions {
  readonly policies: readonly Policy[]
  readonly key: NonNullable<RoutePolicy['key']>
  readonly cost: Cost
  readonly hook: HookName | undefined
}

/** Compiles the policies of the limiter `name`; `where` is the path of its options in errors. */
export function compileLimiter(
  given: AnyPolicy,
  name: string,
  where: string,
  defaults: Defaults,
): LimiterOptions {
  const isList = Array.isArray(given)
  const list = (isList ? given : [given]).map((options: RoutePolicy, i) => {
    const path = isList ? `${where}[${i}]` : where
    if (typeof options !== 'object' || options === null)
      throw invalidOption(path, options, 'a policy: an object')
    return ownOptions(options, ROUTE_OPTIONS, dotted(path))
  })
  const own = commonOptions(list, where)
  const { key = defaults.key ?? 'ip', cost = defaults.cost ?? 1 } = own
  // The place of a decision goes with its key.
  const { hook = own.key === undefined ? defaults.hook : undefined } = own
  checkCostOption(cost, `${dotted(where)}cost`)
  if (hook !== undefined) checkHook(hook, `${dotted(where)}hook`)
  const inherited = list.map((options) => inherit(options, defaults))
  const policies = isList
    ? compilePolicies(inherited, name, where)
    : [compilePolicy(inherited[0], name, dotted(where))]
  return { policies, key, cost, hook }
}

/** The path of an option, as a prefix of the paths of those in it. */
export function dotted(path: string): string {
  return path === '' ? '' : `${path}.`
}

/**
 * A policy takes what it leaves out from the default limiter. Its own rate is per the period that the code
 * says, and an inherited burst does not loosen it. Only a token bucket inherits a burst.
 */
function inherit(options: RoutePolicy, defaults: Defaults): RoutePolicy {
  const { algorithm = defaults.algorithm, rate = defaults.rate } = options
  const { per = options.rate === undefined ? defaults.per : defaults.codePer } = options
  const {
    burst = algorithm === 'sliding-window' ? undefined : inheritedBurst(defaults.burst, options.rate),
  } = options
  const { key, cost, hook, ...own } = options
  return { ...own, algorithm, rate, per, burst }
}

function inheritedBurst(burst: number | undefined, rate: number | undefined): number | undefined {
  return burst === undefined || rate === undefined ? burst : Math.min(burst, rate)
}

/**
 * The options that belong to the limiter of a list of policies. Each may be given once, or always the same.
 */
function commonOptions(
  list: readonly RoutePolicy[],
  where: string,
): Pick<RoutePolicy, 'key' | 'cost' | 'hook'> {
  const limiter: Record<string, unknown> = Object.create(null)
  for (const policy of list) {
    for (const option of ['key', 'cost', 'hook'] as const) {
      const value = policy[option]
      if (value === undefined) continue
      if (option in limiter && limiter[option] !== value) {
        throw invalidOption(`${where}[].${option}`, value, 'one for all policies of a limiter')
      }
      limiter[option] = value
    }
  }
  return limiter
}

function checkCostOption(cost: unknown, option: string): void {
  if (typeof cost === 'function' || (Number.isSafeInteger(cost) && (cost as number) >= 0)) return
  throw invalidOption(option, cost, 'an integer of 0 or more, or a function of the request')
}

function checkHook(hook: unknown, option: string): void {
  if (HOOKS.includes(hook as HookName)) return
  throw invalidOption(option, hook, HOOKS.map(show).join(' or '), HOOKS)
}
