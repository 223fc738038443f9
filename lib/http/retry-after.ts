/**
 * Retry-After in whole seconds (RFC 9110, section 10.2.3) for a wait in ms: rounded up, at least 1; null where no wait helps
 * and the field is left out.
 */
export function retryAfterSeconds(retryAfter: number): number | null {
  return retryAfter === Number.POSITIVE_INFINITY ? null : Math.max(1, Math.ceil(retryAfter / 1000))
}
