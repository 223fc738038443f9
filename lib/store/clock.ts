import type { Clock } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'

/** Monotonic time of this thread, in ms with fractions. */
export const systemClock: Clock = { now: () => performance.now() }

/** The wall clock of this machine, in microseconds since 1970. It may be wrong, and it may step. */
export const wallMicros = () => Date.now() * 1000

/** The wall clock of this machine. */
export const wallDate = () => new Date()

/** The date of so many milliseconds since 1970. */
export const dateOf = (ms: number) => new Date(ms)

/**
 * Turns a clock into whole microseconds that start at 0 and never step back. A step back of the clock counts
 * as no time, and so does a reading that is not a finite number. Readings are rounded to the nearest
 * microsecond. Throws `FST_FLOODGATE_OPTION` for a value that is not a clock.
 */
export function monotonicMicros(clock: Clock): () => number {
  if (typeof clock?.now !== 'function') throw invalidOption('clock', clock, 'an object with a method now()')
  if (clock === systemClock) return processMicros()
  const first = clock.now()
  if (!Number.isFinite(first))
    throw invalidOption('clock', clock, 'a clock whose now() is a finite number of ms')
  let last = micros(first)
  let elapsed = 0
  return () => {
    const reading = micros(clock.now())
    if (!Number.isFinite(reading)) return elapsed
    if (reading > last) elapsed += reading - last
    last = reading
    return elapsed
  }
}

/** The reading of a clock in whole microseconds, from the clock's own origin. */
export function readMicros(clock: Clock): number {
  return micros(clock.now())
}

/**
 * The monotonic clock of the process, in whole microseconds from that second on. It is the same in all
 * threads. It never steps back, its readings need no check, and `hrtime` is the fastest way to read it.
 */
export function processMicros(first = processSecond()): () => number {
  const { hrtime } = process
  return () => {
    const [seconds, nanoseconds] = hrtime()
    return (seconds - first) * 1e6 + Math.floor(nanoseconds / 1e3)
  }
}

/** The second that the clock of the process reads. */
export function processSecond(): number {
  return process.hrtime()[0]
}

/** A reading in ms as whole microseconds. It rounds to nanoseconds first, against noise in the last bit. */
function micros(ms: number): number {
  return Math.round(Math.round(ms * 1e6) / 1e3)
}

/** Calls a listener once after so many ms. The function that it returns cancels the call. */
export type After = (ms: number, listener: () => void) => () => void

/**
 * Calls `listener` once after `ms`, without keeping the process alive. The returned function cancels the
 * call.
 */
export function after(ms: number, listener: () => void): () => void {
  const timer = setTimeout(listener, ms).unref()
  return () => clearTimeout(timer)
}

/**
 * Calls `listener` once after `ms`, for a caller that waits: the process stays alive until then. A timer of
 * Node.js may fire up to 1 ms early, so one more is added. The returned function cancels the call.
 */
export function afterWait(ms: number, listener: () => void): () => void {
  const timer = setTimeout(listener, ms + 1)
  return () => clearTimeout(timer)
}

/**
 * The milliseconds since 1970 of an instant with its time zone, such as `2027-01-31T18:00:00Z` or
 * `2027-01-31T18:00+01:00`. NaN for any other text.
 */
export function parseInstant(text: string): number {
  const match = INSTANT.exec(text)
  // Date.parse takes 31 February for 3 March.
  return match !== null && Number(match[3]) <= daysOf(match[1], match[2]) ? Date.parse(text) : Number.NaN
}

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/

/** The days of a month. */
function daysOf(year: string, month: string): number {
  return new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
}

/** The milliseconds since 1970 of a Date. NaN for any other value. */
export function millisOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : Number.NaN
}
