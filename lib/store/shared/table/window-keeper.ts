import type { Charge } from '../../../../types/index.js'
import { type Ring, type SlidingWindow, slidingWindow } from '../../../policy/index.js'
import { newRing } from '../../ring.js'
import { windowVerdict } from '../../verdict.js'
import { SEGMENT_HEADER, SMALLEST_ORDER } from '../memory/layout.js'
import type { Effect, Keeper, Place, SharedBucket } from './keeper.js'
import type { Part } from './part.js'

/** A ring that is less full than this moves to a smaller segment, unless its segment is the smallest. */
const SPARSE = 1 / 8

/** Sliding windows. The ring of a key is in a segment of its part's arena. */
export class WindowKeeper implements Keeper {
  readonly #ring: Ring = newRing()
  readonly #other: Ring = newRing()

  judge(charge: Charge, cost: number, place: Place, time: number, effect: Effect): boolean {
    const law = (charge.bucket as SharedBucket).policy.law as SlidingWindow
    const now = this.#load(place, time)
    const ring = this.#ring
    let used = slidingWindow.used(law, ring, now)
    let wait = slidingWindow.wait(law, ring, now, cost)
    if (wait === 0 && cost > 0 && effect !== 'nothing') {
      if (effect === 'single') wait = this.#makeReady(law, place, used, cost)
      if (wait === 0) {
        this.#charge(place, now, cost, effect === 'single')
        charge.chargedAt = now
        used += cost
      }
    }
    verdict(charge, law, ring, now, used, wait)
    return wait === 0
  }

  prepare(charge: Charge, cost: number, place: Place, time: number): boolean {
    const law = (charge.bucket as SharedBucket).policy.law as SlidingWindow
    const now = this.#load(place, time)
    const ring = this.#ring
    const used = slidingWindow.used(law, ring, now)
    const wait = this.#makeReady(law, place, used, cost)
    if (wait === 0) return true
    verdict(charge, law, ring, now, used, wait)
    return false
  }

  refund(charge: Charge, place: Place, time: number): void {
    const law = (charge.bucket as SharedBucket).policy.law as SlidingWindow
    const { cost, chargedAt } = charge
    const { part, at } = place
    const ring = this.#ring
    const now = this.#load(place, time)
    slidingWindow.expire(ring, slidingWindow.used(law, ring, now))
    const younger = slidingWindow.used({ rate: 0, window: 0 }, ring, chargedAt)
    if (younger > 0) part.arena.saveInstants(ring, Math.max(0, ring.count - younger - cost))
    slidingWindow.refund(ring, cost, chargedAt)
    part.setDenied(at, false)
    const ref = part.ref(at)
    if (ref > 0) part.arena.save(ref, ring)
  }

  heat(part: Part, at: number, now: number): number {
    const ref = part.ref(at)
    if (ref === 0) return 0
    part.arena.load(ref, this.#other)
    const law = { rate: part.arena.rate(ref), window: part.micros(at) }
    const used = slidingWindow.used(law, this.#other, now)
    if (used === 0 || !part.isDenied(at)) return used / law.rate
    return 1 + slidingWindow.resetAfter(law, this.#other, now)
  }

  release(part: Part, at: number): void {
    const ref = part.ref(at)
    if (ref > 0) part.arena.give(ref)
  }

  /** Points `#ring` at a key's ring. Returns `time`, or the newest instant of the ring if that is later. */
  #load({ part, at }: Place, time: number): number {
    const ring = this.#ring
    part.arena.load(at < 0 ? 0 : part.ref(at), ring)
    return Math.max(time, slidingWindow.newest(ring))
  }

  /**
   * Gives a key a slot, and the loaded ring room for `cost` units beside the `used` ones. Returns how long to
   * wait, or 0.
   */
  #makeReady(law: SlidingWindow, place: Place, used: number, cost: number): number {
    const { part, low, high } = place
    const { arena } = part
    const ring = this.#ring
    if (place.at < 0) place.at = part.insert(low, high, law.window)
    else if (!part.isWindow(place.at)) {
      part.setWindow(place.at, law.window)
      part.journal.commit()
    }
    const units = used + cost
    const larger = units > ring.capacity
    const overwrites = !larger && ring.count + cost > ring.capacity
    slidingWindow.expire(ring, used)
    if (overwrites) {
      // Commit first, because the charge writes where the units lay that have left, and may be rolled back.
      arena.save(part.ref(place.at), ring)
      part.journal.commit()
    }
    const sparse = !larger && units <= ring.capacity * SPARSE
    if (!larger && !sparse) return 0
    const order = orderFor(units)
    if (larger && !makeRoom(part, order)) return law.window
    place.at = part.find(low, high)
    if (larger || arena.has(order)) this.#move(law, place, order)
    return 0
  }

  /** Moves the loaded ring to a segment of that order, which is free, and commits. */
  #move({ rate }: SlidingWindow, { part, at }: Place, order: number): void {
    const { arena } = part
    const ring = this.#ring
    const target = this.#other
    const before = part.ref(at)
    const after = arena.take(order, rate)
    arena.load(after, target)
    for (let i = 0; i < ring.count; i++)
      target.slots[target.base + i] = ring.slots[ring.base + ((ring.start + i) % ring.capacity)]
    target.count = ring.count
    arena.save(after, target)
    part.setRef(at, after)
    if (before > 0) arena.give(before)
    part.journal.commit()
    arena.load(after, ring)
  }

  /** Adds units to the loaded ring, which has room for them. */
  #charge({ part, at }: Place, now: number, cost: number, single: boolean): void {
    slidingWindow.charge(this.#ring, now, cost)
    part.setDenied(at, false)
    part.arena.save(part.ref(at), this.#ring, single)
  }
}

function verdict(
  charge: Charge,
  law: SlidingWindow,
  ring: Ring,
  now: number,
  used: number,
  wait: number,
): void {
  const oldest = slidingWindow.renewAfter(law, ring, now, used)
  windowVerdict(charge, law, used, oldest, slidingWindow.resetAfter(law, ring, now), wait)
}

/** The order of the smallest segment that holds so many units. */
export function orderFor(units: number): number {
  return Math.max(SMALLEST_ORDER, Math.ceil(Math.log2(units + SEGMENT_HEADER)))
}

/** Forgets keys that have rings until a segment of that order is free. Returns whether one is. */
function makeRoom(part: Part, order: number): boolean {
  while (!part.arena.has(order)) {
    const before = part.keys
    part.forgetOne(true)
    if (part.keys === before) return false
  }
  return true
}
