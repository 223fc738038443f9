import type { Charge } from '../../../../types/index.js'
import { type Ring, type SlidingWindow, slidingWindow } from '../../../policy/index.js'
import type { Evictable } from '../../eviction.js'
import { newRing, unload } from '../../ring.js'
import { windowVerdict } from '../../verdict.js'
import { BLOCK_HEADER, type Layout, SMALLEST_ORDER } from '../memory/layout.js'
import { Blocks } from './buddy-allocator.js'
import type { Keeper, Place, SharedBucket } from './keeper.js'
import type { Part } from './part.js'
import type { Laws } from './policy-directory.js'

/** A ring that is less full than this moves to a smaller block; the smallest are never. */
const SPARSE = 1 / 8

/** Sliding windows: the state of a slot is the ref of the block of its ring, 0 while it has none. */
export class WindowKeeper implements Keeper {
  readonly isWithinSlots = false
  readonly #laws: Laws
  readonly #layout: Layout
  readonly #blocks: Blocks[] = []
  readonly #ring: Ring = newRing()
  readonly #other: Ring = newRing()
  #law: SlidingWindow = { rate: 0, window: 0 }
  #tag = 0
  #now = 0
  #used = 0
  /** Microseconds until the oldest and the newest of the units that count leave. */
  #oldest = 0
  #newest = 0

  constructor(laws: Laws, layout: Layout) {
    this.#laws = laws
    this.#layout = layout
  }

  wait({ policy, tag }: SharedBucket, { part, at }: Place, cost: number, now: number): number {
    const law = policy.law as SlidingWindow
    const ring = this.#ring
    this.#law = law
    this.#tag = tag
    this.#now = now
    if (at < 0) unload(ring)
    else this.#blocksOf(part).load(part.state(at), ring)
    this.#used = slidingWindow.used(law, ring, now)
    return slidingWindow.wait(law, ring, now, cost)
  }

  look(): void {
    this.#oldest = slidingWindow.renewAfter(this.#law, this.#ring, this.#now, this.#used)
    this.#newest = slidingWindow.resetAfter(this.#law, this.#ring, this.#now)
  }

  tell(charge: Charge, wait: number): void {
    windowVerdict(charge, this.#law, this.#used, this.#oldest, this.#newest, wait)
  }

  prepare(place: Place, cost: number): number {
    const { part } = place
    const blocks = this.#blocksOf(part)
    const ring = this.#ring
    const units = this.#used + cost
    const larger = units > ring.capacity
    const overwrites = !larger && ring.count + cost > ring.capacity
    slidingWindow.expire(ring, this.#used)
    if (overwrites) {
      // Committed first: the charge, which may be put back, writes where the units lay that have left.
      blocks.save(part.state(place.at), ring)
      part.journal.commit()
    }
    const sparse = !larger && units <= ring.capacity * SPARSE
    if (!larger && !sparse) return 0
    const order = orderFor(units)
    if (larger && !this.#makeRoom(part, order)) return this.#law.window
    place.at = part.find(place.low, place.high)
    if (larger || blocks.has(order)) this.#move(place, order)
    return 0
  }

  charge(charge: Charge, { part, at }: Place, cost: number, lone: boolean): void {
    const ref = part.state(at)
    slidingWindow.charge(this.#ring, this.#now, cost)
    this.#used += cost
    charge.chargedAt = this.#now
    const marked = part.marked(at)
    this.#blocksOf(part).save(ref, this.#ring, lone && !marked)
    if (marked) part.setState(at, this.#tag, ref, 0)
  }

  refund({ bucket, cost, chargedAt }: Charge, place: Place, now: number): void {
    const { part, at } = place
    const ring = this.#ring
    const blocks = this.#blocksOf(part)
    this.wait(bucket as SharedBucket, place, 0, now)
    slidingWindow.expire(ring, this.#used)
    const younger = slidingWindow.used({ rate: 0, window: 0 }, ring, chargedAt)
    if (younger > 0) blocks.saveInstants(ring, Math.max(0, ring.count - younger - cost))
    slidingWindow.refund(ring, cost, chargedAt)
    const ref = part.state(at)
    blocks.save(ref, ring)
    if (part.marked(at)) part.setState(at, this.#tag, ref, 0)
  }

  heat(tag: number, part: Part, at: number, now: number): number {
    const law = this.#laws.get(tag) as SlidingWindow
    this.#blocksOf(part).load(part.state(at), this.#other)
    const used = slidingWindow.used(law, this.#other, now)
    if (used === 0) return 0
    return part.marked(at) ? 1 + used / law.rate : used / law.rate
  }

  release(part: Part, at: number): void {
    this.#blocksOf(part).give(part.state(at))
  }

  /** Forgets keys that have rings until there is a block of that order; false if all of them do not suffice. */
  #makeRoom(part: Part, order: number): boolean {
    const blocks = this.#blocksOf(part)
    const view = new Ringed(part, this.#laws)
    for (let fruitless = 0; !blocks.has(order); ) {
      const before = part.keys
      part.forgetOne(view)
      fruitless = part.keys < before ? 0 : fruitless + 1
      // One look is at 256 slots or at all.
      if (fruitless * 256 > part.slots) return false
    }
    return true
  }

  /** Moves the loaded ring to a block of that order, which there is, and commits it. */
  #move({ part, at }: Place, order: number): void {
    const blocks = this.#blocksOf(part)
    const ring = this.#ring
    const target = this.#other
    const before = part.state(at)
    const after = blocks.take(order)
    blocks.load(after, target)
    for (let i = 0; i < ring.count; i++)
      target.slots[target.base + i] = ring.slots[ring.base + ((ring.start + i) % ring.capacity)]
    target.count = ring.count
    blocks.save(after, target)
    part.setState(at, this.#tag, after, 0)
    blocks.give(before)
    part.journal.commit()
    blocks.load(after, ring)
  }

  #blocksOf(part: Part): Blocks {
    const known = this.#blocks[part.number]
    if (known !== undefined) return known
    const blocks = new Blocks(part, this.#layout)
    this.#blocks[part.number] = blocks
    return blocks
  }
}

/** The order of the smallest block that holds so many units. */
export function orderFor(units: number): number {
  return Math.max(SMALLEST_ORDER, Math.ceil(Math.log2(units + BLOCK_HEADER)))
}

/** A part as the hand sees it that looks for blocks: keys without any are not there. */
class Ringed implements Evictable {
  readonly slots: number
  readonly #part: Part
  readonly #laws: Laws

  constructor(part: Part, laws: Laws) {
    this.#part = part
    this.#laws = laws
    this.slots = part.slots
  }

  get keys(): number {
    return this.#part.keys
  }

  get hand(): number {
    return this.#part.hand
  }

  set hand(slot: number) {
    this.#part.hand = slot
  }

  heatAt(slot: number): number {
    const at = this.#part.at(slot)
    const law = this.#laws.get(this.#part.tag(at))
    const ringed = law !== null && 'window' in law && this.#part.state(at) !== 0
    return ringed ? this.#part.heatAt(slot) : Number.POSITIVE_INFINITY
  }

  remove(slot: number): void {
    this.#part.remove(slot)
  }
}
