/**
 * The exact sliding window: at most `rate` units in any interval of length `window`, to the microsecond.
 *
 * The state of a key is a ring of the instants, in microseconds, at which its last units were accepted: at
 * most `rate` of them, oldest first. An instant counts while it is younger than `window`. If the ring had
 * exactly `rate` slots, a unit may pass when the slot that it would overwrite no longer counts. So a decision
 * is O(1).
 *
 * `wait`, `used`, `resetAfter` and `renewAfter` only read. The others write the ring. No clock, no I/O.
 */
export interface SlidingWindow {
  /** Units per window. */
  readonly rate: number
  /** Length of the window in microseconds. */
  readonly window: number
}

/** A key's instants: `count` of them from `start` on, in a ring of `capacity` slots that begins at `base`. */
export interface Ring {
  slots: Float64Array
  base: number
  capacity: number
  start: number
  count: number
}

/** The instant of the `nth` unit. The oldest is unit 0. */
function instant(ring: Ring, nth: number): number {
  const slot = ring.start + nth
  return ring.slots[ring.base + (slot < ring.capacity ? slot : slot - ring.capacity)]
}

function write(ring: Ring, nth: number, micros: number): void {
  const slot = ring.start + nth
  ring.slots[ring.base + (slot < ring.capacity ? slot : slot - ring.capacity)] = micros
}

/**
 * Repairs a ring whose newest unit lies in the future, because a clock stepped back: moves all its instants
 * back, so that the newest is `now`.
 */
export function heal(ring: Ring, now: number): void {
  if (ring.count === 0) return
  const ahead = instant(ring, ring.count - 1) - now
  if (ahead <= 0) return
  for (let i = 0; i < ring.capacity; i++) ring.slots[ring.base + i] -= ahead
}

/** Microseconds until `cost` units may pass. 0 means now, `Infinity` means never. */
export function wait(law: SlidingWindow, ring: Ring, now: number, cost: number): number {
  if (cost === 0) return 0
  if (cost > law.rate) return Number.POSITIVE_INFINITY
  const lastToLeave = ring.count - 1 - (law.rate - cost)
  return lastToLeave < 0 ? 0 : Math.max(0, instant(ring, lastToLeave) + law.window - now)
}

/** Units that count now. */
export function used(law: SlidingWindow, ring: Ring, now: number): number {
  const past = now - law.window
  // Usually no unit has left since the last look, or only a few: search from the oldest, in steps that
  // double.
  if (ring.count === 0 || instant(ring, 0) > past) return ring.count
  let step = 1
  while (step < ring.count && instant(ring, step) <= past) step *= 2
  return ring.count - countUntil(ring, past, step >>> 1, Math.min(step, ring.count))
}

/** Units that are not younger than `micros`, found by bisection: it reads at most log2(rate) slots. */
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

/** Microseconds until the oldest of the `used` units that count leaves. 0 when no unit counts. */
export function renewAfter(law: SlidingWindow, ring: Ring, now: number, used: number): number {
  return used === 0 ? 0 : instant(ring, ring.count - used) + law.window - now
}

/** Forgets the units that no longer count: all but the newest `used`. */
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
 * Removes `cost` of the units that were charged at the instant `charged`, or as many of them as there are. If
 * the instant is unknown (`Infinity`), removes the newest units. Younger units close the gap.
 */
export function refund(ring: Ring, cost: number, charged: number): void {
  const known = charged !== Number.POSITIVE_INFINITY
  const end = known ? countUntil(ring, charged) : ring.count
  let start = end
  while (start > 0 && end - start < cost && (!known || instant(ring, start - 1) === charged)) start--
  for (let i = end; i < ring.count; i++) write(ring, start + i - end, instant(ring, i))
  ring.count -= end - start
}
