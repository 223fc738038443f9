import type { Charge, Decision, Source } from '../../types/index.js'

/** The part of a charge that a decision is made from. */
export type Verdict = Pick<Charge, 'allowed' | 'remaining' | 'resetAfter' | 'retryAfter'> &
  Partial<Pick<Charge, 'source' | 'delay' | 'blocked'>>

/** The decision of a policy's verdict. Only a denial has `violated`. */
export function decisionOf(
  policy: { readonly name: string; readonly limit: number },
  verdict: Verdict,
  violated: readonly string[],
  delay = verdict.delay ?? 0,
): Decision {
  const { remaining, resetAfter, retryAfter, source = 'store' } = verdict
  const { name, limit } = policy
  const decision: Decision = verdict.allowed
    ? { allowed: true, policy: name, limit, remaining, resetAfter }
    : { allowed: false, policy: name, violated, limit, remaining, resetAfter, retryAfter }
  if (source === 'store' && delay === 0 && verdict.blocked !== true) return decision
  return withRare(decision, source, delay, verdict.blocked === true)
}

/** Adds what few decisions have. */
function withRare(decision: Decision, source: Source, delay: number, blocked: boolean): Decision {
  const rare = {
    ...(decision.allowed && delay > 0 && { delay }),
    ...(blocked && { blocked }),
    ...(source !== 'store' && { source }),
  }
  return { ...decision, ...rare } as Decision
}
