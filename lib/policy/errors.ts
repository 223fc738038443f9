import createError, { type FastifyErrorConstructor } from '@fastify/error'
import { closestMatch } from 'leven'

const InvalidOption = createError('FST_FLOODGATE_OPTION', "option '%s' is %s; allowed: %s", 500, TypeError)
const UnknownOption = createError(
  'FST_FLOODGATE_UNKNOWN_OPTION',
  "unknown option '%s'%s; allowed: %s",
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

/** A value as an error message shows it: short, on one line, strings in quotes. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 80)}…` : value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

/** `FST_FLOODGATE_OPTION`: the option, the value, and what is allowed. */
export function invalidOption(option: string, value: unknown, allowed: string): CodedError {
  return new InvalidOption(option, show(value), allowed)
}

/** `; did you mean 'x'?`, or nothing when no known name is near. */
export function hint(name: string, known: readonly string[]): string {
  const near = closestMatch(name, [...known], { maxDistance: Math.max(2, name.length >> 1) })
  return near === undefined ? '' : `; did you mean '${near}'?`
}

/** Throws `FST_FLOODGATE_UNKNOWN_OPTION` for the first property of `options` that is not in `known`. */
export function refuseUnknown(options: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new UnknownOption(where + name, hint(name, known), known.join(', '))
  }
}

/** Units of one call: an integer of 0 or more, else `FST_FLOODGATE_COST`. */
export function checkCost(cost: unknown): number {
  if (typeof cost === 'number' && cost >= 0 && Number.isSafeInteger(cost)) return cost
  throw new BadCost(show(cost))
}
