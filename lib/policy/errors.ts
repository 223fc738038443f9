import createError, { type FastifyErrorConstructor } from '@fastify/error'
import { closestMatch } from 'leven'

const InvalidOption = createError<string[]>(
  'FST_FLOODGATE_OPTION',
  "option '%s' is %s%s; allowed: %s",
  500,
  TypeError,
)
const BadCost = createError(
  'FST_FLOODGATE_COST',
  'cost is %s; allowed: an integer of 0 or more',
  500,
  RangeError,
)

export type CodedError = InstanceType<FastifyErrorConstructor>

/** Most characters of a string that an error message shows. */
const LONGEST = 80
/** Most characters of a name, such as a limiter's. */
const LONGEST_NAME = 128

/** Returns a value as an error message shows it: short, on one line, strings in quotes. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return `'${visible(value.slice(0, LONGEST))}${value.length > LONGEST ? '…' : ''}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

/** Writes line breaks and other invisible characters as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

/**
 * Returns `FST_FLOODGATE_OPTION`: the option, the value and what is allowed. It also names the `known` value
 * that is nearest to a string.
 */
export function invalidOption(
  option: string,
  value: unknown,
  allowed: string,
  known: readonly string[] = [],
): CodedError {
  return new InvalidOption(option, show(value), typeof value === 'string' ? hint(value, known) : '', allowed)
}

/**
 * Returns `FST_FLOODGATE_OPTION` for a value that no error may show, such as a secret. `what` stands for it.
 */
export function invalidSecret(option: string, what: string, allowed: string): CodedError {
  return new InvalidOption(option, what, '', allowed)
}

/**
 * Returns `; did you mean 'x'?`, or '' when no known name is near. Swapped letters are near in any name. Text
 * that is too long to be a name gets no hint: it may come from a client, and the time grows with its length.
 */
export function hint(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean '${near}'?`
}

/** The known name that `hint` suggests, if there is one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined
  const maxDistance = Math.max(1, Math.floor(name.length / 3))
  return (
    known.find((one) => letters(one) === letters(name)) ?? closestMatch(name, [...known], { maxDistance })
  )
}

function letters(name: string): string {
  return [...name].sort().join('')
}

/** Returns the units of one call. Throws `FST_FLOODGATE_COST` if they are not an integer >= 0. */
export function checkCost(cost: unknown): number {
  if (typeof cost === 'number' && cost >= 0 && Number.isSafeInteger(cost)) return cost
  throw new BadCost(show(cost))
}
