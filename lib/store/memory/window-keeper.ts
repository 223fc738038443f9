import type { Charge } from '../../../types/index.js'
import { invalidOption, type Ring, type SlidingWindow, slidingWindow } from '../../policy/index.js'
import { newRing, unload } from '../ring.js'
import { windowVerdict } from '../verdict.js'
import type { Insert, Keeper, MemoryBucket, StoredLaw } from './keeper.js'
import type { Laws } from './laws.js'
import { RingView } from './ring-view.js'
import { capacityFor, capacityOf, newestOf, oldestOf, RingArena } from './rings.js'
import type { Table } from './table.js'

/** A ring that is less full than this share moves to a smaller segment. The smallest segments are never. */
const SPARSE = 1 / 8

/** The ref of no ring. */
const NONE = -1

/** Keeps sliding windows. The state of a slot is the ref of its ring in the arena. */
export class WindowKeeper implements Keeper {
  readonly #table: Table
  readonly #insert: Insert
  readonly #arena = new RingArena()
  readonly #ring: Ring = newRing()
  /** The ring of a key whose heat the table asks for, so that `#ring` stays loaded. */
  readonly #other: Ring = newRing()
  readonly #view: RingView
  readonly maxUnits: number

  constructor(table: Table, insert: Insert, laws: Laws, maxUnits: number) {
    this.#table = table
    this.#insert = insert
    this.#view = new RingView(table, (slot) => laws.at(table.lawId(slot)).keeper === this)
    this.maxUnits = maxUnits
  }

  /** Slots of all rings. */
  get units(): number {
    return this.#arena.slots
  }

  /** Throws `FST_FLOODGATE_OPTION` for a rate whose ring does not fit into `maxUnits`. */
  check(rate: number): void {
    // A ring that grows exists twice for a moment, and the smaller one is at most half as large.
    const needed = capacityFor(rate) * 1.5
    if (needed <= this.maxUnits) return
    const most = 2 ** Math.floor(Math.log2(this.maxUnits / 1.5))
    const allowed = `at most ${most} in a sliding window here; maxUnits: ${needed} has room for it`
    throw invalidOption('rate', rate, allowed)
  }

  judge(
    charge: Charge,
    { numbers }: StoredLaw,
    cost: number,
    slot: number,
    now: number,
    commit: boolean,
  ): boolean {
    const law = numbers as SlidingWindow
    const ring = this.#load(slot)
    if (cost === 1 && ring.count === law.rate && slot >= 0) {
      // A full window: if the oldest unit still counts, no other unit matters.
      const wait = oldestOf(ring) + law.window - now
      if (wait > 0) {
        windowVerdict(charge, law, law.rate, wait, newestOf(ring) + law.window - now, wait)
        return false
      }
    }
    slidingWindow.heal(ring, now)
    const wait = slidingWindow.wait(law, ring, now, cost)
    const allowed = wait === 0
    let used = slidingWindow.used(law, ring, now)
    if (commit && allowed && cost > 0) {
      slidingWindow.expire(ring, used)
      used += cost
      this.#write(slot, charge.bucket as MemoryBucket, now, cost)
      charge.chargedAt = now
    }
    const oldest = slidingWindow.renewAfter(law, ring, now, used)
    windowVerdict(charge, law, used, oldest, slidingWindow.resetAfter(law, ring, now), wait)
    return allowed
  }

  refund({ cost, chargedAt }: Charge, { numbers }: StoredLaw, slot: number, now: number): void {
    const ring = this.#load(slot)
    slidingWindow.expire(ring, slidingWindow.used(numbers as SlidingWindow, ring, now))
    slidingWindow.refund(ring, cost, chargedAt)
    const ref = this.#table.state(slot)
    this.#arena.save(ref, ring)
    this.#table.setState(slot, ref)
  }

  heat(table: Table, slot: number, now: number, { numbers }: StoredLaw): number {
    const law = numbers as SlidingWindow
    this.#arena.load(table.state(slot), this.#other)
    const used = slidingWindow.used(law, this.#other, now)
    if (used === 0) return 0
    return table.isDenied(slot) ? 1 + slidingWindow.resetAfter(law, this.#other, now) : used / law.rate
  }

  release(slot: number): void {
    this.#arena.close(this.#table.state(slot))
  }

  #load(slot: number): Ring {
    if (slot < 0) unload(this.#ring)
    else this.#arena.load(this.#table.state(slot), this.#ring)
    return this.#ring
  }

  /** Adds units to the loaded ring. Where needed, gives it a slot in the table or a larger segment. */
  #write(slot: number, bucket: MemoryBucket, now: number, cost: number): void {
    const ring = this.#ring
    let ref: number
    if (slot < 0) {
      this.#makeRoom(cost, NONE)
      // The ring first: if there is no memory for it, there must be no slot.
      ref = this.#arena.open(cost)
      slot = this.#insert(bucket)
      this.#arena.load(ref, ring)
    } else {
      ref = this.#table.state(slot)
      const units = ring.count + cost
      if (units > ring.capacity) {
        this.#makeRoom(units, ref)
        slot = this.#table.find(bucket.hasher.low, bucket.hasher.high)
        ref = this.#arena.move(ref, ring, units)
      } else if (units <= ring.capacity * SPARSE && this.#hasRoom(units)) {
        ref = this.#arena.move(ref, ring, units)
      }
    }
    slidingWindow.charge(ring, now, cost)
    this.#arena.save(ref, ring)
    this.#table.setState(slot, ref)
  }

  #hasRoom(units: number): boolean {
    return this.#arena.slots + capacityFor(units) <= this.maxUnits
  }

  /** Forgets windows until there is room for a new ring of `units`. The window whose ring is `kept` stays. */
  #makeRoom(units: number, kept: number): void {
    const arena = this.#arena
    while (!this.#hasRoom(units)) {
      const own = kept === NONE ? 0 : capacityOf(kept)
      const others = kept === NONE ? arena.rings : arena.rings - 1
      this.#view.look(kept, (arena.slots - own) / others / 2)
      this.#table.forgetOne(this.#view)
    }
  }
}
