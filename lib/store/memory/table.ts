import { CROWDED, type Evictable, freeExpired, freeOrFind, LOOK_WHEN_CROWDED } from '../eviction.js'

/**
 * The memory store's table: open addressing with linear probing over one flat array, 16 bytes a slot, three quarters full at
 * most, so that a key costs 21.4 bytes and one cache line. The key itself is not kept, only its 64-bit digest.
 *
 *     word 0, 1   digest; both 0: the slot is empty
 *     word 2, 3   53 bits of state, 10 bits of tag, 1 bit of mark
 *
 * A tag that 10 bits cannot hold is kept elsewhere together with the state, and so the key costs 16 bytes more: its slot says `WIDE`
 * instead of the tag, and where both are instead of the state.
 *
 * Words are signed, as those of a digest are. What state and tag mean is the owner's business; the mark says that the key is
 * being denied. The owner lends the table its judgement of a slot through `Owner`.
 */
const WORDS = 4
const SHARE = 0.75

/** Tags from this one on are wide. */
export const TAGS = 1023
const WIDE = TAGS
/** Word 3 of a slot, but for its state and mark. */
const TAG_BITS = WIDE << 1

export interface Owner {
  /** As `Evictable.heatAt`, of a slot in use. */
  heat(slot: number): number
  /** A key that is being denied is about to be forgotten, because there is no room. */
  forgetsDenied(): void
  /** The slot's key is about to be forgotten. */
  release(slot: number): void
}

export class Table implements Evictable {
  readonly maxKeys: number
  readonly slots: number
  keys = 0
  forgotten = 0
  hand = 0
  readonly #words: Int32Array
  readonly #owner: Owner
  readonly #wide = new WideSlots()

  constructor(maxKeys: number, owner: Owner) {
    this.maxKeys = maxKeys
    this.slots = Math.ceil(maxKeys / SHARE) + 1
    this.#words = new Int32Array(this.slots * WORDS)
    this.#owner = owner
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

  /** Gives a digest that is not there a slot, forgetting another key if it must. The state is then 0. */
  insert(low: number, high: number, tag: number): number {
    if (this.keys >= this.maxKeys) this.forgetOne(this)
    else if (this.keys >= this.maxKeys * CROWDED) freeExpired(this, LOOK_WHEN_CROWDED)
    const words = this.#words
    let slot = this.#home(low)
    while (words[slot * WORDS] !== 0 || words[slot * WORDS + 1] !== 0) slot = this.#next(slot)
    const at = slot * WORDS
    words[at] = low
    words[at + 1] = high
    words[at + 2] = tag < WIDE ? 0 : this.#wide.open(tag)
    words[at + 3] = Math.min(tag, WIDE) << 1
    this.keys++
    return slot
  }

  /** Empties a slot and closes the gap, so that every probe still finds its key. Other slots may move. */
  remove(slot: number): void {
    this.#owner.release(slot)
    if (this.#isWide(slot)) this.#wide.close(this.#content(slot))
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
    return (word & TAG_BITS) === TAG_BITS ? this.#wide.states[content] : content
  }

  /** Sets the state, and clears the mark. */
  setState(slot: number, state: number): void {
    const at = slot * WORDS
    const word = this.#words[at + 3]
    const tagBits = word & TAG_BITS
    if (tagBits === TAG_BITS) this.#setWide(slot, state)
    else {
      this.#words[at + 2] = state
      this.#words[at + 3] = (Math.floor(state / 0x100000000) << 11) | tagBits
    }
  }

  tag(slot: number): number {
    const tagBits = this.#words[slot * WORDS + 3] & TAG_BITS
    return tagBits === TAG_BITS ? this.#wide.tags[this.#content(slot)] : tagBits >>> 1
  }

  marked(slot: number): boolean {
    return (this.#words[slot * WORDS + 3] & 1) === 1
  }

  /** Marks the key as being denied. */
  mark(slot: number): void {
    this.#words[slot * WORDS + 3] |= 1
  }

  /** Frees every expired key; returns how many. */
  sweep(): number {
    this.hand = 0
    return freeExpired(this, this.slots)
  }

  /** Calls `visit` with every slot in use. `visit` must not remove. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.slots; slot++) if (this.inUse(slot)) visit(slot)
  }

  /** Frees at least one slot of this table, or of a view of it where the hand finds any there. */
  forgetOne(view: Evictable): void {
    const coolest = freeOrFind(view)
    if (coolest < 0) return
    if (this.marked(coolest)) this.#owner.forgetsDenied()
    this.remove(coolest)
    this.forgotten++
  }

  /** As `Evictable.heatAt`: the owner's judgement, and of an empty slot none. */
  heatAt(slot: number): number {
    return this.inUse(slot) ? this.#owner.heat(slot) : Number.POSITIVE_INFINITY
  }

  #isWide(slot: number): boolean {
    return (this.#words[slot * WORDS + 3] & TAG_BITS) === TAG_BITS
  }

  #setWide(slot: number, state: number): void {
    this.#wide.states[this.#content(slot)] = state
    this.#words[slot * WORDS + 3] &= ~1
  }

  /** The 53 bits of a slot that are its state, or say where that is. */
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

/** Tags and states of the slots whose tags are wide, by an integer that stands in the slot. */
class WideSlots {
  readonly tags: number[] = []
  readonly states: number[] = []
  readonly #free: number[] = []

  /** Returns the integer. The state is 0. */
  open(tag: number): number {
    const index = this.#free.pop() ?? this.tags.length
    this.tags[index] = tag
    this.states[index] = 0
    return index
  }

  close(index: number): void {
    this.#free.push(index)
  }
}
