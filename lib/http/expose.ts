import { DRAFT_11 } from './draft-11.js'
import { X_RATELIMIT } from './x-ratelimit.js'

/** The response headers that a family consists of, in lower case. */
export const FAMILIES = {
  'x-ratelimit': Object.values(X_RATELIMIT),
  'draft-11': Object.values(DRAFT_11),
} as const

/**
 * Access-Control-Expose-Headers (Fetch, section 3.3.3): the names that are there already, if any, and those of `names` that are
 * missing. `*` exposes all, except to requests with credentials, so the names are added to it, too.
 */
export function exposeHeaders(
  present: string | readonly string[] | undefined,
  names: readonly string[],
): string {
  const there = [present ?? []].flat().flatMap((value) => value.split(',').map((name) => name.trim()))
  const known = new Set(there.map((name) => name.toLowerCase()))
  return [...there, ...names.filter((name) => !known.has(name))].filter((name) => name !== '').join(', ')
}
