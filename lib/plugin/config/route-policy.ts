import type { AnyPolicy, HookName, RoutePolicy } from '../../../types/index.js'
import { compilePolicies } from '../../limiter/index.js'
import { compilePolicy, invalidOption, ownOptions, POLICY_OPTIONS, show } from '../../policy/index.js'
import { HOOKS } from '../lifecycle/points.js'
import type { CompiledLimiter } from './request-limiter.js'

/** Options that belong to a limiter, not to one of its policies. */
const LIMITER_OPTIONS = ['key', 'cost', 'hook', 'charge', 'status'] as const
export const ROUTE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, ...LIMITER_OPTIONS]

/**
 * What policies inherit for the options that they leave out: the default limiter, as far as the user
 * described it.
 */
export type Defaults = RoutePolicy & {
  /** The period that the code says, where the environment says another. */
  readonly codePer?: RoutePolicy['per']
}

/** Compiles the policies of the limiter `name`; `where` is the path of its options in errors. */
export function compileLimiter(
  given: AnyPolicy,
  name: string,
  where: string,
  defaults: Defaults,
): CompiledLimiter {
  const isList = Array.isArray(given)
  const list = (isList ? given : [given]).map((options: RoutePolicy, i) => {
    const path = isList ? `${where}[${i}]` : where
    if (typeof options !== 'object' || options === null)
      throw invalidOption(path, options, 'a policy: an object')
    return ownOptions(options, ROUTE_OPTIONS, dotted(path))
  })
  const own = commonOptions(list, where)
  const { key = defaults.key ?? 'ip', cost = defaults.cost ?? 1 } = own
  const { charge = defaults.charge, status = defaults.status ?? 429 } = own
  // The place of a decision goes with its key.
  const { hook = own.key === undefined ? defaults.hook : undefined } = own
  checkCostOption(cost, `${dotted(where)}cost`)
  if (hook !== undefined) checkHook(hook, `${dotted(where)}hook`)
  if (charge !== undefined) checkCharge(charge, `${dotted(where)}charge`)
  if (status !== 429 && status !== 503) throw invalidOption(`${dotted(where)}status`, status, '429 or 503')
  const inherited = list.map((options) => inherit(options, defaults))
  const policies = isList
    ? compilePolicies(inherited, name, where)
    : [compilePolicy(inherited[0], name, dotted(where))]
  return { policies, key, cost, hook, charge, status }
}

/** The path of an option, as a prefix of the paths of those in it. */
export function dotted(path: string): string {
  return path === '' ? '' : `${path}.`
}

/**
 * A policy takes what it leaves out from the default limiter, as far as its algorithm has it. Its own rate is
 * per the period that the code says, and an inherited burst does not loosen it.
 */
export function inherit(options: RoutePolicy, defaults: Defaults): RoutePolicy {
  const { key, cost, hook, charge, status, ...own } = options
  const { algorithm = defaults.algorithm, block = defaults.block } = options
  const { enforce = defaults.enforce } = options
  if (algorithm === 'concurrency') {
    const { limit = defaults.limit, hold = defaults.hold } = options
    return { ...own, algorithm, limit, hold, enforce }
  }
  const { rate = defaults.rate } = options
  const { per = options.rate === undefined ? defaults.per : defaults.codePer } = options
  if (algorithm === 'sliding-window') return { ...own, algorithm, rate, per, block, enforce }
  const { burst = inheritedBurst(defaults.burst, options.rate), wait = defaults.wait } = options
  return { ...own, algorithm, rate, per, burst, wait, block, enforce }
}

function inheritedBurst(burst: number | undefined, rate: number | undefined): number | undefined {
  return burst === undefined || typeof rate !== 'number' ? burst : Math.min(burst, rate)
}

/**
 * The options that belong to the limiter of a list of policies. Each may be given once, or always the same.
 */
function commonOptions(
  list: readonly RoutePolicy[],
  where: string,
): Pick<RoutePolicy, (typeof LIMITER_OPTIONS)[number]> {
  const limiter: Record<string, unknown> = Object.create(null)
  for (const policy of list) {
    for (const option of LIMITER_OPTIONS) {
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

const CHARGES: readonly unknown[] = ['failed', 'succeeded']

function checkCharge(charge: unknown, option: string): void {
  if (typeof charge === 'function' || CHARGES.includes(charge)) return
  throw invalidOption(option, charge, "'failed', 'succeeded', or a function of request and reply", [
    'failed',
    'succeeded',
  ])
}

function checkHook(hook: unknown, option: string): void {
  if (HOOKS.includes(hook as HookName)) return
  throw invalidOption(option, hook, HOOKS.map(show).join(' or '), HOOKS)
}
