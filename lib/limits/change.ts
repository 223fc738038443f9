import type { PolicyOptions } from '../../types/index.js'
import { compilePolicy, invalidOption, invalidSecret, ownOptions, POLICY_OPTIONS } from '../policy/index.js'
import type { LimiterChange } from './parsed-document.js'

/** Options of a limiter that an update keeps where it says nothing of them. */
export const RULES = ['cost', 'charge', 'status'] as const
/** Options of a limiter that stay: they fix where it runs, and whose keys it has. */
export const FIXED = ['key', 'hook'] as const
const CHANGE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, ...RULES]
/** An override keeps the name of the policy, so that headers and metrics do. */
export const OVERRIDE_POLICY: readonly string[] = POLICY_OPTIONS.filter((option) => option !== 'name')

/** Most policies of a list. To compile them takes time, in which an app answers nobody. */
const MOST_POLICIES = 1000
const ALLOWED = `a policy, or a list of 1 to ${MOST_POLICIES} policies`

/** Checks what a document says of a limiter, as far as it can be checked without the code of the app. */
export function checkChange(change: unknown, where: string): LimiterChange | readonly LimiterChange[] {
  if (!Array.isArray(change)) return checkObject(change, where)
  if (change.length === 0) throw invalidOption(where, change, ALLOWED)
  if (change.length > MOST_POLICIES) throw invalidSecret(where, `a list of ${change.length}`, ALLOWED)
  return change.map((one, i) => checkObject(one, `${where}[${i}]`))
}

function checkObject(change: unknown, where: string): LimiterChange {
  const own = ownOptions(change as LimiterChange, CHANGE_OPTIONS, `${where}.`, FIXED)
  for (const option of FIXED)
    if (Object.hasOwn(own, option))
      throw invalidOption(`${where}.${option}`, (own as never)[option], 'none: it cannot change at runtime')
  const { cost, charge, status, ...policy } = own
  if (cost !== undefined && !(Number.isSafeInteger(cost) && (cost as number) >= 0))
    throw invalidOption(`${where}.cost`, cost, 'an integer of 0 or more')
  if (charge !== undefined && charge !== 'failed' && charge !== 'succeeded')
    throw invalidOption(`${where}.charge`, charge, "'failed' or 'succeeded'", ['failed', 'succeeded'])
  if (status !== undefined && status !== 429 && status !== 503)
    throw invalidOption(`${where}.status`, status, '429 or 503')
  checkPolicy(policy, where)
  return own
}

/**
 * Throws if a policy is wrong whatever the code adds to it: the options that it leaves out come from there.
 */
export function checkPolicy(policy: PolicyOptions, where: string): void {
  const { algorithm = impliedBy(policy) } = policy
  if (algorithm === 'concurrency') {
    compilePolicy({ limit: 1, ...policy, algorithm }, 'limiter', `${where}.`)
    return
  }
  const error = errorOf({ ...policy, algorithm }, where)
  if (error !== null && !extremesOf(policy).some((all) => errorOf({ ...all, algorithm }, where) === null))
    throw error
}

/** The algorithm that has the options of a policy. */
function impliedBy({ limit, hold }: PolicyOptions): PolicyOptions['algorithm'] {
  return limit === undefined && hold === undefined ? undefined : 'concurrency'
}

function errorOf(policy: PolicyOptions, where: string): unknown {
  try {
    compilePolicy(policy, 'limiter', `${where}.`)
    return null
  } catch (error) {
    return error
  }
}

/** The policy with what it leaves out, from slow to fast. */
function extremesOf(policy: PolicyOptions): PolicyOptions[] {
  if (policy.rate === undefined) return [1, 1e3, 1e6, 1e9].map((rate) => ({ ...policy, rate }))
  return policy.per === undefined ? [1, '366 days' as const].map((per) => ({ ...policy, per })) : []
}
