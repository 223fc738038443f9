import type { HeaderFamily } from '../../types/index.js'

/** Documents a header as a route's schema does: a JSON schema with a description. */
type Header = { readonly type: string; readonly description: string } & Readonly<Record<string, unknown>>
export type Headers = Readonly<Record<string, Header>>

// HTTP ignores the case of these names, but the OWASP rules of Spectral do not.

const FAMILIES: Readonly<Record<HeaderFamily, Headers>> = {
  'x-ratelimit': {
    'X-RateLimit-Limit': {
      type: 'integer',
      minimum: 0,
      description: 'Most units that can be spent at once.',
    },
    'X-RateLimit-Remaining': { type: 'integer', minimum: 0, description: 'Units left.' },
    'X-RateLimit-Reset': {
      type: 'integer',
      minimum: 0,
      description: 'Seconds until all units are back. A duration, not a point in time.',
    },
  },
  'draft-11': {
    'RateLimit-Policy': {
      type: 'string',
      description: 'The policies that apply: quota (q) and window in seconds (w) of each.',
    },
    RateLimit: {
      type: 'string',
      description: 'What each policy leaves: units (r) and the seconds (t) until there are more.',
    },
  },
}

const DENIED: Headers = {
  'Retry-After': {
    type: 'integer',
    minimum: 1,
    description: 'Seconds after which the same request is allowed. Absent where no wait helps.',
  },
  'Cache-Control': { type: 'string', enum: ['no-store'], description: 'A denial is not to be cached.' },
}

/** The headers that a limited route sends with every response. */
export function limitHeaders(families: readonly HeaderFamily[]): Headers {
  return structuredClone(Object.assign({}, ...families.map((family) => FAMILIES[family])))
}

/** The headers of a 429. */
export function deniedHeaders(families: readonly HeaderFamily[]): Headers {
  return { ...structuredClone(DENIED), ...limitHeaders(families) }
}
