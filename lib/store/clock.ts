import type { Clock } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'

/** Monotonic time of this thread, in ms with fractions. */
export const systemClock: Clock = { now: () => performance.now() }

/**
 * Turns a clock into whole microseconds that start at 0 and never step back: where the clock does, no time has passed, and
 * it goes on from there. Readings are rounded to the nearest microsecond; one that is no finite number counts as no time.
 */
export function monotonicMicros(clock: Clock): () => number {
  if (typeof clock?.now !== 'function') throw invalidOption('clock', clock, 'an object with a method now()')
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

/** Whole microseconds of a reading in ms, by way of nanoseconds: or noise in the last bit would decide at half a one. */
function micros(ms: number): number {
  return Math.round(Math.round(ms * 1e6) / 1e3)
}
