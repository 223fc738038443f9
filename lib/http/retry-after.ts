/**
 * Retry-After in whole seconds (RFC 9110, section 10.2.3) for a wait in ms: rounded up, at least 1. Returns
 * null for a wait of `Infinity`: no wait helps, and the header is left out.
 *
 * @example
 * ```js
 * retryAfterSeconds(12_001) // 13
 * const seconds = retryAfterSeconds(decision.retryAfter)
 * if (seconds !== null) response.setHeader('Retry-After', seconds)
 * ```
 */
export function retryAfterSeconds(retryAfter: number): number | null {
  return retryAfter === Number.POSITIVE_INFINITY ? null : Math.max(1, Math.ceil(retryAfter / 1000))
}
