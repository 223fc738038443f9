import type { Allowed, Charge, Decision, Denied } from '../../types/index.js'

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

/** The part of a charge that a decision is made from. */
export type Verdict = Pick<Charge, 'allowed' | 'remaining' | 'resetAfter' | 'retryAfter'> &
  Partial<Pick<Charge, 'source'>>

/** The tightest of one charge or more. Of equal charges, the first. */
export function tightest<C extends Charge>(charges: readonly C[]): C {
  let tightest = charges[0]
  for (let i = 1; i < charges.length; i++) if (isTighter(charges[i], tightest)) tightest = charges[i]
  return tightest
}

/** The decision of charges that the store has answered. It has the numbers of the tightest policy. */
export function decide(charges: readonly Charge[]): Decision {
  const charge = charges.length === 1 ? charges[0] : tightest(charges)
  const { policy } = charge.bucket
  if (charge.allowed) return decisionOf(policy, charge, NOBODY)
  return decisionOf(policy, charge, charges.length === 1 ? [policy.name] : violated(charges))
}

const NOBODY: readonly string[] = []

/** The names of the policies that denied. */
function violated(charges: readonly Charge[]): string[] {
  return charges.filter((charge) => !charge.allowed).map((charge) => charge.bucket.policy.name)
}

/** The decision of a policy's verdict. Only a denial has `violated`. */
export function decisionOf(
  policy: { readonly name: string; readonly limit: number },
  verdict: Verdict,
  violated: readonly string[],
): Decision {
  const { remaining, resetAfter, retryAfter, source = 'store' } = verdict
  const { name, limit } = policy
  const decision: Decision = verdict.allowed
    ? { allowed: true, policy: name, limit, remaining, resetAfter }
    : { allowed: false, policy: name, violated, limit, remaining, resetAfter, retryAfter }
  return source === 'store' ? decision : ({ ...decision, source } as Allowed | Denied)
}
