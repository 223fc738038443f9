import type { PolicyOptions } from '../../types/index.js'
import { checkName, invalidOption, invalidSecret, ownOptions, show } from '../policy/index.js'
import { millisOf, parseInstant } from '../store/index.js'
import { checkChange, checkPolicy, OVERRIDE_POLICY } from './change.js'
import { badLimits } from './errors.js'
import { parseJson } from './json.js'
import type { DocumentOverride, LimitsDocument } from './parsed-document.js'

const TOP = ['limiters', 'overrides'] as const
const OVERRIDE: readonly string[] = ['limiter', 'key', 'policy', 'until', 'comment', ...OVERRIDE_POLICY]
/** Most overrides of one registration: each takes some memory. */
export const MOST_OVERRIDES = 100_000
/** Most bytes of a document. */
export const LONGEST_DOCUMENT = 10 * 1024 * 1024
const LONGEST_COMMENT = 1000
const LONGEST_WHO = 200
const INSTANT = "an instant with its time zone, such as '2027-01-31T18:00:00Z'"

/**
 * Reads a document of limits. Throws a coded error that names the path in the document and what is allowed.
 * What depends on the code of an app, such as the names of its limiters, is checked when it is put in force.
 */
export function parseLimits(text: string): LimitsDocument {
  const document = parseJson(text) as Record<string, unknown>
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw badLimits(`the document is ${show(document)}; allowed: an object`)
  const own = ownOptions(document, TOP, '', ['$schema'])
  const { limiters = {}, overrides = [] } = own
  if (typeof limiters !== 'object' || limiters === null || Array.isArray(limiters))
    throw invalidOption('limiters', limiters, 'an object of limiters by name')
  if (!Array.isArray(overrides) || overrides.length > MOST_OVERRIDES)
    throw invalidOption('overrides', overrides, `a list of at most ${MOST_OVERRIDES} overrides`)
  const changes = Object.entries(limiters).map(([name, change]) => {
    checkName(name, 'limiters')
    return [name, checkChange(change, `limiters.${name}`)] as const
  })
  const seen = new Set<string>()
  const sound = new Set<string>()
  const checked = overrides.map((override, i) => {
    const checked = readOverride(override, `overrides[${i}]`, sound)
    const id = `${checked.limiter}\n${checked.key}`
    if (seen.has(id))
      throw invalidSecret(`overrides[${i}].key`, 'there already', 'one override for each key of a limiter')
    seen.add(id)
    return checked
  })
  return { limiters: new Map(changes), overrides: checked }
}

/** `sound`: texts of policies that have been checked. Many overrides have the same one. */
function readOverride(given: object, where: string, sound: Set<string>): DocumentOverride {
  const own = ownOptions(given as Record<string, unknown>, OVERRIDE, `${where}.`)
  const { limiter, key, policy: none, until, comment = '', ...policy } = own
  checkName(limiter, `${where}.limiter`)
  if (typeof key !== 'string' || key === '')
    throw invalidSecret(`${where}.key`, key === '' ? 'empty' : `of type ${typeof key}`, 'a string')
  checkComment(comment, `${where}.comment`)
  const common = { limiter: limiter as string, key, comment: comment as string }
  const end = until === undefined ? Number.POSITIVE_INFINITY : readInstant(until, `${where}.until`)
  if (none === false) {
    for (const option of OVERRIDE_POLICY)
      if (policy[option] !== undefined)
        throw invalidOption(
          `${where}.${option}`,
          policy[option],
          'none with `policy: false`, which means no limit',
        )
    return { ...common, policy: false, until: end }
  }
  if (none !== undefined)
    throw invalidOption(
      `${where}.policy`,
      none,
      'false, for no limit; a policy stands in the override itself',
    )
  const text = JSON.stringify(policy)
  if (!sound.has(text)) checkPolicy(policy as PolicyOptions, where)
  sound.add(text)
  return { ...common, policy: policy as PolicyOptions, until: end }
}

/** Throws `FST_FLOODGATE_OPTION` for a comment that is not allowed. */
export function checkComment(comment: unknown, option: string): void {
  if (typeof comment !== 'string' || comment.length > LONGEST_COMMENT)
    throw invalidOption(option, comment, `a string of at most ${LONGEST_COMMENT} characters`)
}

/** Throws `FST_FLOODGATE_OPTION` for the author of a change that is not allowed. */
export function checkWho(who: unknown, option: string): void {
  if (typeof who !== 'string' || who.length > LONGEST_WHO)
    throw invalidOption(option, who, `a string of at most ${LONGEST_WHO} characters`)
}

/** The milliseconds since 1970 of an instant. Throws `FST_FLOODGATE_OPTION` for any other value. */
export function readInstant(value: unknown, option: string): number {
  const instant = typeof value === 'string' ? parseInstant(value) : millisOf(value)
  if (Number.isNaN(instant)) throw invalidOption(option, value, INSTANT)
  return instant
}
