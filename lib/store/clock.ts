import type { Clock } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'

/** Monotonic time of this thread, in ms with fractions. */
export const systemClock: Clock = { now: () => performance.now() }

/** Monotonic time of the process, in ms with fractions: the same in all of its threads, but for a microsecond or so. */
export const processClock: Clock = { now: () => performance.now() + offset }

/** What this thread's time lacks, to that of the process: read while both stood closest together. */
const offset = Array.from({ length: 8 }, () => {
  const before = performance.now()
  const [seconds, nanoseconds] = process.hrtime()
  const after = performance.now()
  return { gap: after - before, offset: seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2 }
}).reduce((best, next) => (next.gap < best.gap ? next : best)).offset

/** The wall clock of this machine, in microseconds since 1970: it may be wrong, and step. */
export const wallMicros = () => Date.now() * 1000

/**
 * Turns a clock into whole microseconds that start at 0 and never step back: where the clock does, no time has passed, and
 * it goes on from there. Readings are rounded to the nearest microsecond; one that is no finite number counts as no time.
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

/** What a clock reads, in whole microseconds from its own origin on. */
export function readMicros(clock: Clock): number {
  return micros(clock.now())
}

/** The clock of this thread never steps back, and its readings need no check: `hrtime` is the quickest way to it. */
function systemMicros(): () => number {
  const { hrtime } = process
  const [first] = hrtime()
  return () => {
    const [seconds, nanoseconds] = hrtime()
    return (seconds - first) * 1e6 + Math.floor(nanoseconds / 1e3)
  }
}

/** Whole microseconds of a reading in ms, by way of nanoseconds: or noise in the last bit would decide at half a one. */
function micros(ms: number): number {
  return Math.round(Math.round(ms * 1e6) / 1e3)
}

/** Calls `listener` once after `ms`, without keeping the process alive; the returned function calls it off. */
export function after(ms: number, listener: () => void): () => void {
  const timer = setTimeout(listener, ms).unref()
  return () => clearTimeout(timer)
}
