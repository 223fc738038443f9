/**
 * The exact sliding window: at most `rate` units in any interval of length `window`, to the microsecond.
 *
 * The state of a key is a ring of the instants, in microseconds, at which its last units were accepted, oldest first, at
 * most `rate` of them. An instant counts while it is younger than `window`; whether a unit may pass depends on one slot
 * only, the one that it would overwrite if the ring had exactly `rate` slots, so a decision is O(1).
 *
 * `wait`, `used` and `resetAfter` only read; the others write the ring they are given. There is no clock and no I/O.
 */
export interface SlidingWindow {
  /** Units per window. */
  readonly rate: number
  /** Length of the window in microseconds. */
  readonly window: number
}

/** A key's instants: `count` of them from `start` on, round a ring of `capacity` slots that begins at `base`. */
export interface Ring {
  slots: Float64Array
  base: number
  capacity: number
  start: number
  count: number
}

/** The instant of the `nth` unit, 0 being the oldest. */
function instant(ring: Ring, nth: number): number {
  const slot = ring.start + nth
  return ring.slots[ring.base + (slot < ring.capacity ? slot : slot - ring.capacity)]
}

function write(ring: Ring, nth: number, micros: number): void {
  const slot = ring.start + nth
  ring.slots[ring.base + (slot < ring.capacity ? slot : slot - ring.capacity)] = micros
}

/** Heals a ring whose newest unit lies in the future, because a clock stepped back: it slides into the past whole. */
export function settle(ring: Ring, now: number): void {
  if (ring.count === 0) return
  const ahead = instant(ring, ring.count - 1) - now
  if (ahead <= 0) return
  for (let i = 0; i < ring.capacity; i++) ring.slots[ring.base + i] -= ahead
}

/** Microseconds until `cost` units may pass: 0 for now, `Infinity` for never. */
export function wait(law: SlidingWindow, ring: Ring, now: number, cost: number): number {
  if (cost === 0) return 0
  if (cost > law.rate) return Number.POSITIVE_INFINITY
  const lastToLeave = ring.count - 1 - (law.rate - cost)
  return lastToLeave < 0 ? 0 : Math.max(0, instant(ring, lastToLeave) + law.window - now)
}

/** Units that count now. */
export function used(law: SlidingWindow, ring: Ring, now: number): number {
  const past = now - law.window
  // Mostly nothing, or little, has left since the last look.
  if (ring.count === 0 || instant(ring, 0) > past) return ring.count
  let step = 1
  while (step < ring.count && instant(ring, step) <= past) step *= 2
  return ring.count - countUntil(ring, past, step >>> 1, Math.min(step, ring.count))
}

/** Units that are not younger than `micros`, found by bisection: at most log2(rate) looks. */
function countUntil(ring: Ring, micros: number, low = 0, high = ring.count): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (instant(ring, middle) <= micros) low = middle + 1
    else high = middle
  }
  return low
}

/** The instant of the newest unit; `-Infinity` if there is none. */
export function newest(ring: Ring): number {
  return ring.count === 0 ? Number.NEGATIVE_INFINITY : instant(ring, ring.count - 1)
}

/** Microseconds until no unit counts any more. */
export function resetAfter(law: SlidingWindow, ring: Ring, now: number): number {
  return ring.count === 0 ? 0 : Math.max(0, instant(ring, ring.count - 1) + law.window - now)
}

/** Microseconds until the oldest of the units that count, given how many do, leaves; 0 when none does. */
export function renewAfter(law: SlidingWindow, ring: Ring, now: number, used: number): number {
  return used === 0 ? 0 : instant(ring, ring.count - used) + law.window - now
}

/** Forgets the units that no longer count, given how many do. */
export function expire(ring: Ring, used: number): void {
  const slot = ring.start + ring.count - used
  ring.start = slot < ring.capacity ? slot : slot - ring.capacity
  ring.count = used
}

/** Writes `cost` units at `now`. The ring must have room: `capacity - count >= cost`. */
export function charge(ring: Ring, now: number, cost: number): void {
  for (let i = 0; i < cost; i++) write(ring, ring.count + i, now)
  ring.count += cost
}

/**
 * Takes back `cost` of the units that were charged at the instant `charged`, or as many of them as are there; the newest
 * units if it is `Infinity`, for not known. Younger units move up.
 */
export function refund(ring: Ring, cost: number, charged: number): void {
  const known = charged !== Number.POSITIVE_INFINITY
  const end = known ? countUntil(ring, charged) : ring.count
  let start = end
  while (start > 0 && end - start < cost && (!known || instant(ring, start - 1) === charged)) start--
  for (let i = end; i < ring.count; i++) write(ring, start + i - end, instant(ring, i))
  ring.count -= end - start
}
