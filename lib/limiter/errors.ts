import createError from '@fastify/error'
import type { Decision, DeniedError } from '../../types/index.js'
import { hint, show } from '../policy/index.js'

const BadKey = createError<string[]>('FST_FLOODGATE_KEY', 'key is %s; allowed: %s', 500, TypeError)
const Unknown = createError<string[]>(
  'FST_FLOODGATE_UNKNOWN_LIMITER',
  'no limiter is called %s%s; known: %s%s',
  500,
)
const Duplicate = createError('FST_FLOODGATE_DUPLICATE', "a limiter called '%s' is already there", 500)

// Without a stack: a denial is no defect, and a flood of denials must stay cheap.
const Denied = createError('FST_FLOODGATE_DENIED', '%s', 429, Error, false)

/** The error of a denial, for callers that get no decision: its `statusCode`, and the `decision`. */
export function deniedError(
  statusCode: DeniedError['statusCode'],
  message: string,
  decision: Decision,
): DeniedError {
  return Object.assign(new Denied(message), { statusCode, decision }) as unknown as DeniedError
}

/** `FST_FLOODGATE_KEY`. It never shows the key, which may be a secret. */
export function badKey(key: unknown): Error {
  return new BadKey(key === '' ? 'empty' : `of type ${typeof key}`, 'a string that is not empty')
}

/** The same for an address or a network under which nobody is counted. */
export function wrongAddress(key: string): Error {
  const allowed = `'${key}': IPv4 is counted by address, and IPv6 by network`
  return new BadKey('no address as this limiter counts it', allowed)
}

/** `FST_FLOODGATE_UNKNOWN_LIMITER`. `where` says what names the limiter, if the caller does not. */
export function unknownLimiter(name: unknown, known: readonly string[], where = ''): Error {
  const near = typeof name === 'string' ? hint(name, known) : ''
  return new Unknown(show(name), near, known.join(', '), where === '' ? '' : `; needed by ${where}`)
}

export function duplicateLimiter(name: string): Error {
  return new Duplicate(name)
}
