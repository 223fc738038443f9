import { parse } from '@lukeed/ms'
import { invalidOption } from './errors.js'

const UNITS: Readonly<Record<string, number>> = { second: 1e3, minute: 60e3, hour: 3600e3, day: 86400e3 }
/** Microseconds: 366 days. */
export const LONGEST_PERIOD = 366 * 86400e6
/** Most characters of a period: lists of changes, logs and pages show it as it was given. */
const LONGEST_TEXT = 64
const ALLOWED =
  "'second', 'minute', 'hour', 'day', a duration such as '15 minutes', or milliseconds, up to 366 days"

/**
 * Binary products of decimals are inexact: 2.007 * 1000 > 2007. A relative error below this is not rounded
 * up.
 */
const NOISE = 2 * Number.EPSILON

/**
 * Returns a period in whole microseconds, at least 1 and at most `longest`. Throws `FST_FLOODGATE_OPTION`,
 * which names `option` and what is `allowed`.
 */
export function parsePeriod(
  per: unknown,
  option: string,
  longest = LONGEST_PERIOD,
  allowed = ALLOWED,
): number {
  if (typeof per === 'string' && per.length > LONGEST_TEXT)
    throw invalidOption(option, per, `at most ${LONGEST_TEXT} characters`)
  const ms = typeof per === 'string' ? (UNITS[per] ?? (/[a-z]/i.test(per) ? parse(per) : undefined)) : per
  if (typeof ms !== 'number' || !(ms > 0 && ms <= longest / 1000)) throw invalidOption(option, per, allowed)
  return Math.ceil(ms * 1000 * (1 - NOISE))
}
