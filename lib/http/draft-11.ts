import type { Algorithm } from '../../types/index.js'
import { retryAfterSeconds } from './retry-after.js'

/**
 * RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-11 (May 2026): Lists of RFC 9651, in
 * canonical form. The draft still changes its names, so each version has a file.
 */
export const DRAFT_11 = { policy: 'ratelimit-policy', limit: 'ratelimit' } as const

/** An Integer of a Structured Field has at most 15 digits. */
const LARGEST = 999_999_999_999_999

/** The facts of a policy that the fields need. */
export interface PolicyFacts {
  readonly name: string
  readonly algorithm: Algorithm
  readonly rate: number
  /** Milliseconds. */
  readonly per: number
  readonly limit: number
}

/** The facts of a verdict that the fields need. Durations are in ms. */
export interface VerdictFacts {
  readonly allowed: boolean
  readonly remaining: number
  readonly retryAfter: number
  /** Time until the next unit comes back. 0 when none is out. */
  readonly renewAfter: number
}

/**
 * The member of RateLimit-Policy for a policy: `"default";q=10;w=6`. `w` of a token bucket is the time in
 * which it fills: a burst of 10 at 100 a minute is 6 seconds. `w` of a sliding window is its length. Requests
 * in progress have another unit and no window: `"exports";q=20;qu="concurrent-requests"`.
 */
export function policyItem(policy: PolicyFacts): string {
  if (policy.algorithm === 'concurrency')
    return `${sfString(policy.name)};q=${policy.limit};qu="concurrent-requests"`
  const ms =
    policy.algorithm === 'token-bucket' && policy.rate > 0
      ? (policy.limit * policy.per) / policy.rate
      : policy.per
  return `${sfString(policy.name)};q=${policy.limit};w=${seconds(ms)}`
}

/**
 * The member of RateLimit for a verdict: `"default";r=9;t=1`. `t` is the time until there is more to spend.
 * Where a window has no units out, it is the whole window. A denial has r=0, and its `t` equals Retry-After.
 * Nobody knows when a request in progress ends, so its policy has no `t`.
 */
export function limitItem(policy: PolicyFacts, verdict: VerdictFacts): string {
  const name = sfString(policy.name)
  if (policy.algorithm === 'concurrency') return `${name};r=${verdict.allowed ? verdict.remaining : 0}`
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
