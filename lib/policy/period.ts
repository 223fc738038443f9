import { parse } from '@lukeed/ms'
import { invalidOption } from './errors.js'

const UNITS: Readonly<Record<string, number>> = { second: 1e3, minute: 60e3, hour: 3600e3, day: 86400e3 }
const LONGEST = 366 * 86400e3
const ALLOWED =
  "'second', 'minute', 'hour', 'day', a duration such as '15 minutes', or milliseconds, up to 366 days"

/**
 * Binary products of decimals are inexact: 2.007 * 1000 > 2007. A relative error below this is not rounded
 * up.
 */
const NOISE = 2 * Number.EPSILON

/**
 * Returns a period in whole microseconds, at least 1. Throws `FST_FLOODGATE_OPTION`, which names `option`.
 */
export function parsePeriod(per: unknown, option: string): number {
  const ms = typeof per === 'string' ? (UNITS[per] ?? (/[a-z]/i.test(per) ? parse(per) : undefined)) : per
  if (typeof ms !== 'number' || !(ms > 0 && ms <= LONGEST)) throw invalidOption(option, per, ALLOWED)
  return Math.ceil(ms * 1000 * (1 - NOISE))
}
