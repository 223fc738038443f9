import type { Clock } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'

/** Monotonic time of this thread, in ms with fractions. */
export const systemClock: Clock = { now: () => performance.now() }

/** Monotonic time of the process, in ms with fractions. All its threads agree, to about a microsecond. */
export const processClock: Clock = { now: () => performance.now() + offset }

/**
 * The difference from this thread's time to that of the process, from the pair of readings closest together.
 */
const offset = Array.from({ length: 8 }, () => {
  const before = performance.now()
  const [seconds, nanoseconds] = process.hrtime()
  const after = performance.now()
  return { gap: after - before, offset: seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2 }
}).reduce((best, next) => (next.gap < best.gap ? next : best)).offset

/** The wall clock of this machine, in microseconds since 1970. It may be wrong, and it may step. */
export const wallMicros = () => Date.now() * 1000

/**
 * Turns a clock into whole microseconds that start at 0 and never step back. A step back of the clock counts
 * as no time, and so does a reading that is not a finite number. Readings are rounded to the nearest
 * microsecond. Throws `FST_FLOODGATE_OPTION` for a value that is not a clock.
 */
export function monotonicMicros(clock: Clock): () => number {
  if (typeof clock?.now !== 'function') throw invalidOption('clock', clock, 'an object with a method now()')
  if (clock === systemClock) return systemMicros()
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
 * The clock of this thread never steps back, and its readings need no check. `hrtime` is the fastest way to
 * read it.
 */
function systemMicros(): () => number {
  const { hrtime } = process
  const [first] = hrtime()
  return () => {
    const [seconds, nanoseconds] = hrtime()
    return (seconds - first) * 1e6 + Math.floor(nanoseconds / 1e3)
  }
}

/** A reading in ms as whole microseconds. It rounds to nanoseconds first, against noise in the last bit. */
function micros(ms: number): number {
  return Math.round(Math.round(ms * 1e6) / 1e3)
}

/**
 * Calls `listener` once after `ms`, without keeping the process alive. The returned function cancels the
 * call.
 */
export function after(ms: number, listener: () => void): () => void {
  const timer = setTimeout(listener, ms).unref()
  return () => clearTimeout(timer)
}
