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
  let last = Math.round(first * 1000)
  let elapsed = 0
  return () => {
    const reading = Math.round(clock.now() * 1000)
    if (!Number.isFinite(reading)) return elapsed
    if (reading > last) elapsed += reading - last
    last = reading
    return elapsed
  }
}
