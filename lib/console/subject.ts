import type { RateLimitRegistry } from '../../types/index.js'
import { keyId } from '../observe/index.js'
import { invalidOption, invalidSecret } from '../policy/index.js'
import { unknownOffender } from './errors.js'

/** Whom a call is about. */
export interface Subject {
  readonly limiter: string
  readonly key: string
}

/** What a call says of it. */
export interface NamedSubject {
  readonly limiter: string
  /** As it is counted. */
  readonly key?: string
  /** The id of an offender or of an override, in place of the key. */
  readonly offender?: string
}

/**
 * The subject of a call: the key that an operator typed, or the one that an id of the page stands for. Throws
 * `FST_FLOODGATE_UNKNOWN_LIMITER`, `FST_FLOODGATE_KEY` and `FST_FLOODGATE_OFFENDER`.
 */
export function subjectOf(rateLimit: RateLimitRegistry, { limiter, key, offender }: NamedSubject): Subject {
  checkLimiter(rateLimit, limiter)
  if ((key === undefined) === (offender === undefined))
    throw invalidSecret(
      'key',
      key === undefined ? 'missing' : 'given twice',
      'a key, or else `offender`, the id of one',
    )
  if (offender === undefined) return { limiter, key: key as string }
  if (typeof offender !== 'string') throw invalidOption('offender', offender, 'the id of a key')
  const found = rateLimit.keyOfOffender(limiter, offender) ?? overridden(rateLimit, limiter, offender)
  if (found === undefined) throw unknownOffender(limiter, offender)
  return { limiter, key: found }
}

function overridden(rateLimit: RateLimitRegistry, limiter: string, id: string): string | undefined {
  const isIt = (override: { limiter: string; key: string }) =>
    override.limiter === limiter && keyId(limiter, override.key) === id
  return rateLimit.overrides().find(isIt)?.key
}

/** Throws `FST_FLOODGATE_OPTION` for a limiter that is not named, and `FST_FLOODGATE_UNKNOWN_LIMITER`. */
export function checkLimiter(rateLimit: RateLimitRegistry, limiter: unknown): void {
  if (typeof limiter !== 'string') throw invalidOption('limiter', limiter, 'the name of a limiter')
  rateLimit.get(limiter)
}
