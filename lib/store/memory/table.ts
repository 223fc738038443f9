import { CROWDED, type Evictable, freeExpired, freeOrFind, LOOK_WHEN_CROWDED } from '../eviction.js'

/**
 * The memory store's table: open addressing with linear probing over one flat array. A slot has 16 bytes, and
 * the table is at most three quarters full, so a key costs 21.4 bytes and one cache line. It keeps no key,
 * only the 64-bit digest.
 *
 *     word 0, 1   digest; both 0: the slot is empty
 *     word 2, 3   53 bits of state, 10 bits of law id, 1 bit: whether the key is denied
 *
 * A law id that needs more than 10 bits is wide. It is kept in `WideSlots` with the state, so the key costs
 * 16 bytes more. The slot then holds `WIDE` as its law id, and the index in `WideSlots` as its state.
 *
 * Words are signed, as those of a digest are. The table does not know laws: it asks its `Evictor` about a
 * slot.
 */
const WORDS = 4
const SHARE = 0.75

/** The law id of blocked keys. */
export const BLOCKED = 0
/** Law ids from this one on are wide. */
export const NARROW_LAW_IDS = 1023
const WIDE = NARROW_LAW_IDS
/** The bits of word 3 that hold the law id. */
const LAW_ID_BITS = WIDE << 1

/** Judges slots for a table, which knows no laws. */
export interface Evictor {
  /** As `Evictable.heatAt`, of a slot in use. */
  heat(slot: number): number
  /** Called before the table forgets a denied key because it is full. */
  forgetsDenied(): void
  /** Called before the table forgets the key of the slot. */
  release(slot: number): void
}

export class Table implements Evictable {
  readonly maxKeys: number
  readonly slots: number
  keys = 0
  forgotten = 0
  hand = 0
  readonly #words: Int32Array
  readonly #evictor: Evictor
  readonly #wide = new WideSlots()

  constructor(maxKeys: number, evictor: Evictor) {
    this.maxKeys = maxKeys
    this.slots = Math.ceil(maxKeys / SHARE) + 1
    this.#words = new Int32Array(this.slots * WORDS)
    this.#evictor = evictor
  }

  /** The slot of a digest, or -1. */
  find(low: number, high: number): number {
    const words = this.#words
    for (let slot = this.#home(low); ; slot = this.#next(slot)) {
      const at = slot * WORDS
      if (words[at] === low && words[at + 1] === high) return slot
      if (words[at] === 0 && words[at + 1] === 0) return -1
    }
  }

  /** Gives a new digest a slot with state 0. If the table is full, it forgets another key first. */
  insert(low: number, high: number, lawId: number): number {
    if (this.keys >= this.maxKeys) this.forgetOne(this)
    else if (this.keys >= this.maxKeys * CROWDED) freeExpired(this, LOOK_WHEN_CROWDED)
    const words = this.#words
    let slot = this.#home(low)
    while (words[slot * WORDS] !== 0 || words[slot * WORDS + 1] !== 0) slot = this.#next(slot)
    const at = slot * WORDS
    words[at] = low
    words[at + 1] = high
    words[at + 2] = lawId < WIDE ? 0 : this.#wide.open(lawId)
    words[at + 3] = Math.min(lawId, WIDE) << 1
    this.keys++
    return slot
  }

  /** Gives a slot another law id, which is narrow, and state 0. */
  reuse(slot: number, lawId: number): void {
    this.#release(slot)
    this.#words[slot * WORDS + 2] = 0
    this.#words[slot * WORDS + 3] = lawId << 1
  }

  #release(slot: number): void {
    this.#evictor.release(slot)
    if (this.#isWide(slot)) this.#wide.close(this.#content(slot))
  }

  /** Empties a slot and closes the gap, so that every probe still finds its key. Other slots may move. */
  remove(slot: number): void {
    this.#release(slot)
    const words = this.#words
    let gap = slot
    for (let next = this.#next(slot); ; next = this.#next(next)) {
      const at = next * WORDS
      if (words[at] === 0 && words[at + 1] === 0) break
      if (this.#distance(this.#home(words[at]), next) < this.#distance(gap, next)) continue
      const to = gap * WORDS
      words[to] = words[at]
      words[to + 1] = words[at + 1]
      words[to + 2] = words[at + 2]
      words[to + 3] = words[at + 3]
      gap = next
    }
    words[gap * WORDS] = 0
    words[gap * WORDS + 1] = 0
    this.keys--
  }

  /** An integer from 0 to 2^53 - 1. */
  state(slot: number): number {
    const at = slot * WORDS
    const word = this.#words[at + 3]
    const content = (word >>> 11) * 0x100000000 + (this.#words[at + 2] >>> 0)
    return (word & LAW_ID_BITS) === LAW_ID_BITS ? this.#wide.states[content] : content
  }

  /** Sets the state. The key is then not denied. */
  setState(slot: number, state: number): void {
    const at = slot * WORDS
    const word = this.#words[at + 3]
    const idBits = word & LAW_ID_BITS
    if (idBits === LAW_ID_BITS) this.#setWide(slot, state)
    else {
      this.#words[at + 2] = state
      this.#words[at + 3] = (Math.floor(state / 0x100000000) << 11) | idBits
    }
  }

  lawId(slot: number): number {
    const idBits = this.#words[slot * WORDS + 3] & LAW_ID_BITS
    return idBits === LAW_ID_BITS ? this.#wide.lawIds[this.#content(slot)] : idBits >>> 1
  }

  /** Whether the law id is `BLOCKED`. */
  isBlocked(slot: number): boolean {
    return (this.#words[slot * WORDS + 3] & LAW_ID_BITS) === BLOCKED << 1
  }

  isDenied(slot: number): boolean {
    return (this.#words[slot * WORDS + 3] & 1) === 1
  }

  /** Notes that the key is denied, until the next `setState`. */
  setDenied(slot: number): void {
    this.#words[slot * WORDS + 3] |= 1
  }

  /** Frees every expired key. Returns how many. */
  sweep(): number {
    this.hand = 0
    return freeExpired(this, this.slots)
  }

  /** Calls `visit` with every slot in use. `visit` must not remove keys. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.slots; slot++) if (this.inUse(slot)) visit(slot)
  }

  /** Frees at least one slot of `view`, if the hand finds any: this table, or a view of it. */
  forgetOne(view: Evictable): void {
    const coolest = freeOrFind(view)
    if (coolest < 0) return
    if (this.isDenied(coolest)) this.#evictor.forgetsDenied()
    this.remove(coolest)
    this.forgotten++
  }

  /** As `Evictable.heatAt`. */
  heatAt(slot: number): number {
    return this.inUse(slot) ? this.#evictor.heat(slot) : Number.POSITIVE_INFINITY
  }

  #isWide(slot: number): boolean {
    return (this.#words[slot * WORDS + 3] & LAW_ID_BITS) === LAW_ID_BITS
  }

  #setWide(slot: number, state: number): void {
    this.#wide.states[this.#content(slot)] = state
    this.#words[slot * WORDS + 3] &= ~1
  }

  /** The 53 bits of a slot that are its state or, if its law id is wide, an index in `WideSlots`. */
  #content(slot: number): number {
    const at = slot * WORDS
    return (this.#words[at + 3] >>> 11) * 0x100000000 + (this.#words[at + 2] >>> 0)
  }

  inUse(slot: number): boolean {
    return this.#words[slot * WORDS] !== 0 || this.#words[slot * WORDS + 1] !== 0
  }

  #home(low: number): number {
    return Math.floor(((low >>> 0) * this.slots) / 0x100000000)
  }

  #next(slot: number): number {
    return slot + 1 === this.slots ? 0 : slot + 1
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.slots
  }
}

/** The law ids and states of the slots whose law ids are wide, by the index that the slot holds. */
class WideSlots {
  readonly lawIds: number[] = []
  readonly states: number[] = []
  readonly #free: number[] = []

  /** Returns the index. The state is 0. */
  open(lawId: number): number {
    const index = this.#free.pop() ?? this.lawIds.length
    this.lawIds[index] = lawId
    this.states[index] = 0
    return index
  }

  close(index: number): void {
    this.#free.push(index)
  }
}
