import createError from '@fastify/error'
import { invalidOption, invalidSecret, nearest, show } from './errors.js'
import { ours } from './foreign-names.js'

const UnknownOption = createError(
  'FST_FLOODGATE_UNKNOWN_OPTION',
  'unknown option%s; allowed: %s',
  500,
  TypeError,
)

/** Most unknown options that one error names. */
const MOST_NAMED = 10

/**
 * Throws one `FST_FLOODGATE_UNKNOWN_OPTION` that names all properties of `options` that are neither in
 * `known` nor in `unlisted`. It lists `known` as allowed, and not `unlisted`. Throws `FST_FLOODGATE_OPTION`
 * if `options` is not an object.
 */
export function refuseUnknown(
  options: object,
  known: readonly string[],
  where: string,
  unlisted: readonly string[] = [],
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(where === '' ? 'options' : where.slice(0, -1), options, 'an object')
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name) || unlisted.includes(name)) continue
    const all = Object.keys(options).filter((name) => !known.includes(name) && !unlisted.includes(name))
    throw unknownOptions(all, known, where)
  }
}

/**
 * Returns the object's own options, in an object without prototype, so that a polluted `Object.prototype`
 * sets no option. Throws as `refuseUnknown` does, and `FST_FLOODGATE_OPTION` for a known option that the
 * object inherits from another prototype.
 */
export function ownOptions<T extends object>(
  options: T,
  known: readonly string[],
  where: string,
  unlisted?: readonly string[],
): T {
  refuseUnknown(options, known, where, unlisted)
  for (const name of known) {
    if (name in options && !Object.hasOwn(options, name) && !Object.hasOwn(Object.prototype, name))
      throw invalidSecret(where + name, 'inherited', "a property of the object's own")
  }
  return Object.assign(Object.create(null), options)
}

function unknownOptions(names: readonly string[], known: readonly string[], where: string): Error {
  const allowed = known.join(', ')
  const [first] = names
  if (names.length === 1) {
    const meant = meaning(first, known)
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`
    return new UnknownOption(` ${show(where + first)}${hint}`, allowed)
  }
  const list = names.slice(0, MOST_NAMED).map((name) => {
    const meant = meaning(name, known)
    return show(where + name) + (meant === undefined ? '' : ` (did you mean '${meant}'?)`)
  })
  const more = names.length > list.length ? ` and ${names.length - list.length} more` : ''
  return new UnknownOption(`s ${list.join(', ')}${more}`, allowed)
}

/** The option that was probably meant: ours for another limiter's option, or else the nearest name. */
function meaning(name: string, known: readonly string[]): string | undefined {
  return ours(name, known) ?? nearest(name, known)
}
