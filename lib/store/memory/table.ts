/**
 * The memory store's table: open addressing with linear probing over one flat array, 16 bytes a slot, three quarters full at
 * most, so that a key costs 21.4 bytes and one cache line. The key itself is not kept, only its 64-bit digest.
 *
 *     word 0, 1   digest; both 0: the slot is empty
 *     word 2, 3   53 bits of state, 10 bits of tag, 1 bit of mark
 *
 * What state and tag mean is the owner's business; the mark says that the key is being denied. The owner lends the table
 * its judgement of a slot through `Owner`.
 */
const WORDS = 4
const SHARE = 0.75
/** Slots that a full table looks at before it forgets a live key; tables of up to that many are looked at whole. */
const LOOK_WHEN_FULL = 32
const LOOK_AT_MOST = 256
/** From this share of `maxKeys` on, each new key pays for a look at this many slots, to free what has expired. */
const CROWDED = 7 / 8
const LOOK_WHEN_CROWDED = 16

export const TAGS = 1024

export interface Owner {
  /** 0: expired, so forgetting it loses nothing; up to 1: the share of its limit that is spent; above 1: being denied. */
  heat(slot: number): number
  /** The slot's key is about to be forgotten. */
  release(slot: number): void
}

export class Table {
  readonly maxKeys: number
  keys = 0
  forgotten = 0
  readonly #slots: number
  readonly #words: Uint32Array
  readonly #owner: Owner
  #hand = 0

  constructor(maxKeys: number, owner: Owner) {
    this.maxKeys = maxKeys
    this.#slots = Math.ceil(maxKeys / SHARE) + 1
    this.#words = new Uint32Array(this.#slots * WORDS)
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
    if (this.keys >= this.maxKeys) this.#makeRoom()
    else if (this.keys >= this.maxKeys * CROWDED) this.#look(LOOK_WHEN_CROWDED)
    const words = this.#words
    let slot = this.#home(low)
    while (words[slot * WORDS] !== 0 || words[slot * WORDS + 1] !== 0) slot = this.#next(slot)
    const at = slot * WORDS
    words[at] = low
    words[at + 1] = high
    words[at + 2] = 0
    words[at + 3] = tag << 1
    this.keys++
    return slot
  }

  /** Empties a slot and closes the gap, so that every probe still finds its key. Other slots may move. */
  remove(slot: number): void {
    this.#owner.release(slot)
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
    return (this.#words[at + 3] >>> 11) * 0x100000000 + this.#words[at + 2]
  }

  /** Sets the state, and clears the mark. */
  setState(slot: number, state: number): void {
    const at = slot * WORDS
    this.#words[at + 2] = state
    this.#words[at + 3] = (Math.floor(state / 0x100000000) << 11) | (this.#words[at + 3] & 0x7fe)
  }

  tag(slot: number): number {
    return (this.#words[slot * WORDS + 3] >>> 1) & (TAGS - 1)
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
    this.#hand = 0
    return this.#look(this.#slots)
  }

  /** Calls `visit` with every slot in use. `visit` must not remove. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#inUse(slot)) visit(slot)
  }

  /** Lets the hand pass over `count` slots and frees what has expired there; returns how many went. */
  #look(count: number): number {
    const before = this.keys
    for (let i = 0; i < count; i++) {
      while (this.#heatAt(this.#hand) === 0) this.remove(this.#hand)
      this.#hand = this.#next(this.#hand)
    }
    return before - this.keys
  }

  /** Frees at least one slot: expired keys if the hand meets any, else the coolest key that it met. */
  #makeRoom(): void {
    const before = this.keys
    const atLeast = this.#slots <= LOOK_AT_MOST ? this.#slots : LOOK_WHEN_FULL
    let coolest = -1
    let coolestHeat = Number.POSITIVE_INFINITY
    for (let i = 0; i < atLeast || (coolestHeat > 1 && this.keys === before && i < LOOK_AT_MOST); i++) {
      let heat = this.#heatAt(this.#hand)
      while (heat === 0) {
        this.remove(this.#hand)
        heat = this.#heatAt(this.#hand)
      }
      if (heat < coolestHeat) {
        coolest = this.#hand
        coolestHeat = heat
      }
      this.#hand = this.#next(this.#hand)
    }
    if (this.keys < before) return
    this.remove(coolest)
    this.forgotten++
  }

  /** The heat of a slot; an empty one is no candidate for anything. */
  #heatAt(slot: number): number {
    return this.#inUse(slot) ? this.#owner.heat(slot) : Number.POSITIVE_INFINITY
  }

  #inUse(slot: number): boolean {
    return this.#words[slot * WORDS] !== 0 || this.#words[slot * WORDS + 1] !== 0
  }

  #home(low: number): number {
    return Math.floor((low * this.#slots) / 0x100000000)
  }

  #next(slot: number): number {
    return slot + 1 === this.#slots ? 0 : slot + 1
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#slots
  }
}
