/** Names of the headers, in lower case as Node.js keeps them. */
export const X_RATELIMIT = {
  limit: 'x-ratelimit-limit',
  remaining: 'x-ratelimit-remaining',
  reset: 'x-ratelimit-reset',
} as const

/** X-RateLimit-Reset: the seconds until all units are back, rounded up. A duration, not a point in time. */
export function resetSeconds(resetAfter: number): number {
  return Math.ceil(resetAfter / 1000)
}
