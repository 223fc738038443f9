import type { Charge, Decision } from '../../types/index.js'
import { decisionOf, type Verdict } from '../policy/index.js'

/**
 * Whether `a` limits its client more than `b`. A denial is tighter than none; then the longer wait decides,
 * then fewer units left, then the longer time until all units are back.
 */
export function isTighter(a: Verdict, b: Verdict): boolean {
  if (a.allowed !== b.allowed) return b.allowed
  if (a.retryAfter !== b.retryAfter) return a.retryAfter > b.retryAfter
  if (a.remaining !== b.remaining) return a.remaining < b.remaining
  return a.resetAfter > b.resetAfter
}

/** Of the verdicts of two keys by the same policies, the tighter one of each. There may be no second key. */
export function tighterOf(charges: readonly Charge[], others: readonly Charge[]): Charge[] {
  return charges.map((charge, i) => (i < others.length && isTighter(others[i], charge) ? others[i] : charge))
}

/** The tightest of one charge or more. Of equal charges, the first. */
export function tightest<C extends Charge>(charges: readonly C[]): C {
  let tightest = charges[0]
  for (let i = 1; i < charges.length; i++) if (isTighter(charges[i], tightest)) tightest = charges[i]
  return tightest
}

/**
 * The decision of charges that the store has answered. It has the numbers of the tightest policy, and the
 * longest delay of all.
 */
export function decide(charges: readonly Charge[]): Decision {
  const charge = charges.length === 1 ? charges[0] : tightest(charges)
  const { policy } = charge.bucket
  if (charge.allowed) return decisionOf(policy, charge, NOBODY, longestDelay(charges))
  return decisionOf(policy, charge, charges.length === 1 ? [policy.name] : violated(charges))
}

/** The same of those charges of a call that are enforced: it has no limit where none is. */
export function decideEnforced(enforced: readonly Charge[], all: readonly Charge[]): Decision {
  return enforced.length === 0 ? unlimited(all[0].bucket.policy) : decide(enforced)
}

/** The decision of each charge by itself. */
export function decideEach(charges: readonly Charge[]): Decision[] {
  return charges.map((charge) => decide([charge]))
}

/** The decision about a call that nothing limits; `policy` is the first that did not. */
export function unlimited({ name }: { readonly name: string }): Decision {
  const limit = Number.POSITIVE_INFINITY
  return { allowed: true, policy: name, limit, remaining: limit, resetAfter: 0 }
}

const NOBODY: readonly string[] = []

/** The names of the policies that denied. */
function violated(charges: readonly Charge[]): string[] {
  return charges.filter((charge) => !charge.allowed).map((charge) => charge.bucket.policy.name)
}

/** Milliseconds to wait before going on. */
export function longestDelay(charges: readonly Charge[]): number {
  let longest = 0
  for (let i = 0; i < charges.length; i++) longest = Math.max(longest, charges[i].delay)
  return longest
}
