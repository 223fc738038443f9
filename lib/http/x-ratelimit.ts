/** Names of the family, in lower case as Node keeps them. */
export const X_RATELIMIT = {
  limit: 'x-ratelimit-limit',
  remaining: 'x-ratelimit-remaining',
  reset: 'x-ratelimit-reset',
} as const

/** X-RateLimit-Reset: whole seconds until full again, as a duration, rounded up. */
export function resetSeconds(resetAfter: number): number {
  return Math.ceil(resetAfter / 1000)
}
