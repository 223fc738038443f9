import { retryAfterSeconds } from './retry-after.js'

/**
 * RateLimit-Policy and RateLimit as of draft-ietf-httpapi-ratelimit-headers-11 (May 2026): Lists of RFC 9651, in canonical form.
 * The draft's names still move, so a version is a file.
 */
export const DRAFT_11 = { policy: 'ratelimit-policy', limit: 'ratelimit' } as const

/** Integers of a Structured Field have 15 digits at most. */
const LARGEST = 999_999_999_999_999

/** What the fields need to know of a policy. */
export interface PolicyFacts {
  readonly name: string
  readonly algorithm: 'token-bucket' | 'sliding-window'
  readonly rate: number
  /** ms */
  readonly per: number
  readonly limit: number
}

/** What they need to know of a verdict. Durations in ms. */
export interface VerdictFacts {
  readonly allowed: boolean
  readonly remaining: number
  readonly retryAfter: number
  /** Until the next unit comes back; 0 where none is out. */
  readonly renewAfter: number
}

/**
 * The member of RateLimit-Policy for a policy: `"default";q=10;w=6`. A token bucket's window is the time in which it refills
 * (`ceil(burst / rate)` seconds), a sliding window's its own.
 */
export function policyItem(policy: PolicyFacts): string {
  const ms =
    policy.algorithm === 'token-bucket' && policy.rate > 0
      ? (policy.limit * policy.per) / policy.rate
      : policy.per
  return `${sfString(policy.name)};q=${policy.limit};w=${seconds(ms)}`
}

/**
 * The member of RateLimit for a verdict: `"default";r=9;t=1`, with the time until there is more to spend. An untouched
 * window tells its whole length. A denial has r=0, and the t of its Retry-After.
 */
export function limitItem(policy: PolicyFacts, verdict: VerdictFacts): string {
  const name = sfString(policy.name)
  if (verdict.allowed) {
    const untouched = policy.algorithm === 'sliding-window' && verdict.renewAfter === 0
    return `${name};r=${verdict.remaining};t=${seconds(untouched ? policy.per : verdict.renewAfter)}`
  }
  const wait = retryAfterSeconds(verdict.retryAfter)
  return `${name};r=0${wait === null ? '' : `;t=${Math.min(wait, LARGEST)}`}`
}

/** Whole seconds, rounded up, at least 1. */
function seconds(ms: number): number {
  return Math.min(LARGEST, Math.max(1, Math.ceil(ms / 1000)))
}

/** A String (RFC 9651, section 4.1.6) of printable ASCII. */
function sfString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
