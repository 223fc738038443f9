/**
 * Calendar arithmetic in whole microseconds since 1970, in UTC. It is pure, and needs no clock: a log drives
 * time.
 */

export const SECOND = 1e6
export const HOUR = 3600 * SECOND
export const DAY = 24 * HOUR
const DAYS_PER_ERA = 146_097
/** Days from 0000-03-01, where eras of 400 years begin, to 1970-01-01. */
const DAYS_TO_1970 = 719_468

/**
 * Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms").
 */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_1970
}

/** Year, month (1 to 12) and day of a number of days since 1970. */
function dateOf(days: number): [year: number, month: number, day: number] {
  const z = days + DAYS_TO_1970
  const era = Math.floor(z / DAYS_PER_ERA)
  const doe = z - era * DAYS_PER_ERA
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365,
  )
  const dayOfYear = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100))
  const mp = Math.floor((5 * dayOfYear + 2) / 153)
  const month = mp < 10 ? mp + 3 : mp - 9
  return [yoe + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * mp + 2) / 5) + 1]
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/**
 * Microseconds of a moment whose clock is `offset` minutes ahead of UTC. NaN if there is no such date or time
 * of day. A 60th second, which a leap second is, counts as the one after the 59th.
 */
export function microsOf(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  offset: number,
): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return Number.NaN
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return Number.NaN
  const seconds = ((daysOf(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second
  return seconds * SECOND
}

/** Such as `2026-03-01T12:00:05Z`, with milliseconds where there are some. */
export function isoOf(micros: number): string {
  const days = Math.floor(micros / DAY)
  const [year, month, day] = dateOf(days)
  const second = Math.floor((micros - days * DAY) / SECOND)
  const ms = Math.floor((micros - days * DAY - second * SECOND) / 1000)
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`
  const time = `${pad(Math.floor(second / 3600))}:${pad(Math.floor(second / 60) % 60)}:${pad(second % 60)}`
  return `${date}T${time}${ms === 0 ? '' : `.${pad(ms, 3)}`}Z`
}

function pad(number: number, digits = 2): string {
  return String(number).padStart(digits, '0')
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(?:([+-])(\d\d):?(\d\d)?|Z)?$/i
const CLF = /^\[?(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]?$/
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** 1 to 12 for the English name of a month, its first three letters in any case, or 0. */
export function monthOf(name: string): number {
  return MONTHS.indexOf(name.toLowerCase()) + 1
}

/**
 * Microseconds of a field of a log: a number since 1970 in s, ms, µs or ns, whichever its size fits; an
 * ISO 8601 date and time, in UTC where it names no zone; or the time of a common log. NaN for anything else.
 */
export function parseTime(value: unknown): number {
  if (typeof value === 'number') return microsOfNumber(value)
  if (typeof value !== 'string') return Number.NaN
  if (/^\d+(?:\.\d+)?$/.test(value)) return microsOfNumber(Number(value))
  const iso = ISO.exec(value)
  if (iso !== null) {
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', ...zone] = iso
    const whole = microsOf(+year, +month, +day, +hour, +minute, +second, offsetOf(zone))
    return whole + Number(fraction.padEnd(6, '0').slice(0, 6))
  }
  const clf = CLF.exec(value)
  if (clf === null) return Number.NaN
  const [, day, month, year, hour, minute, second, ...zone] = clf
  return microsOf(+year, monthOf(month), +day, +hour, +minute, +second, offsetOf(zone))
}

/** Minutes ahead of UTC. */
function offsetOf([sign, hours = '0', minutes = '0']: readonly (string | undefined)[]): number {
  const offset = Number(hours) * 60 + Number(minutes)
  return sign === '-' ? -offset : offset
}

/** Seconds up to the year 5138; then milliseconds, microseconds and nanoseconds, each 1,000 times more. */
function microsOfNumber(value: number): number {
  if (!(value >= 0 && value < 1e20)) return Number.NaN
  if (value < 1e11) return Math.round(value * 1e6)
  if (value < 1e14) return Math.round(value * 1e3)
  return value < 1e17 ? Math.round(value) : Math.round(value / 1e3)
}
