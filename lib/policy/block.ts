import type { BlockLengths, PolicyOptions } from '../../types/index.js'
import { invalidOption } from './errors.js'
import { ownOptions } from './options.js'
import { LONGEST_PERIOD, parsePeriod } from './period.js'

const OPTIONS = ['for', 'factor', 'max', 'forget'] as const
const LARGEST_MS = LONGEST_PERIOD / 1000

/** Most earlier blocks of a key that count. */
export const MOST_OFFENCES = 1023

/**
 * Validates the option `block`: a period, or an object with the length of the first block and how further
 * ones grow. Throws `FST_FLOODGATE_OPTION` or `FST_FLOODGATE_UNKNOWN_OPTION`. `where` is the path of the
 * option.
 */
export function compileBlock(given: NonNullable<PolicyOptions['block']>, where: string): BlockLengths {
  const isObject = typeof given === 'object' && given !== null
  const own = ownOptions(isObject ? given : { for: given }, OPTIONS, `${where}.`)
  const { factor = 1, max = LARGEST_MS, forget = 'day' } = own
  const first = parsePeriod(own.for, isObject ? `${where}.for` : where) / 1000
  if (typeof factor !== 'number' || !(factor >= 1 && factor < Number.POSITIVE_INFINITY))
    throw invalidOption(`${where}.factor`, factor, 'a number from 1')
  const longest = parsePeriod(max, `${where}.max`) / 1000
  if (longest < first)
    throw invalidOption(`${where}.max`, max, `a period not shorter than \`for\`: at least ${first} ms`)
  return { for: first, factor, max: longest, forget: parsePeriod(forget, `${where}.forget`) / 1000 }
}

/**
 * Microseconds that a block lasts: `for * factor ** offences`, rounded up, at most `max`. `offences` is the
 * number of blocks before it that are not forgotten: 0 for a first block.
 */
export function blockLength({ for: first, factor, max }: BlockLengths, offences: number): number {
  const grown = micros(first) * factor ** Math.min(offences, MOST_OFFENCES)
  return Math.min(Math.ceil(grown), micros(max))
}

function micros(ms: number): number {
  return Math.round(ms * 1000)
}
