import { DRAFT_11 } from './draft-11.js'
import { X_RATELIMIT } from './x-ratelimit.js'

/** The response headers of each family, in lower case. */
export const FAMILIES = {
  'x-ratelimit': Object.values(X_RATELIMIT),
  'draft-11': Object.values(DRAFT_11),
} as const

/**
 * The value of Access-Control-Expose-Headers (Fetch, section 3.3.3): the names that are `present`, and those
 * of `names` that are missing. `*` gets the names as well, because it exposes nothing to requests with
 * credentials.
 */
export function exposeHeaders(
  present: string | readonly string[] | undefined,
  names: readonly string[],
): string {
  const there = [present ?? []].flat().flatMap((value) => value.split(',').map((name) => name.trim()))
  const known = new Set(there.map((name) => name.toLowerCase()))
  return [...there, ...names.filter((name) => !known.has(name))].filter((name) => name !== '').join(', ')
}
