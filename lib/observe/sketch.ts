import type { Outcome } from '../../types/index.js'

/** How a decision was denied. */
export type Denial = Exclude<Outcome, 'allowed' | 'delayed'>

/** What a sketch knows of one key. */
export class Tally {
  readonly key: string
  denied = 0
  blocked = 0
  shadowDenied = 0
  /** Most events of the key that are not counted here. */
  readonly error: number
  /** When the first and the last event came, in milliseconds since 1970. */
  first = Number.POSITIVE_INFINITY
  last = Number.NEGATIVE_INFINITY

  constructor(key: string, error: number) {
    this.key = key
    this.error = error
  }

  /** Events that were counted. */
  get sum(): number {
    return this.denied + this.blocked + this.shadowDenied
  }
}

/**
 * Counts the keys that come most, in bounded memory: the space-saving sketch (Metwally, Agrawal, El Abbadi:
 * "Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005).
 *
 * When all places are taken, a new key takes the place of the key that counts least, and inherits its count
 * as `error`. After `n` events in `size` places no error is above `n / size`, and every key that came more
 * often than that has a place.
 */
export class Sketch {
  readonly #size: number
  readonly #places: Tally[] = []
  readonly #byKey = new Map<string, Tally>()
  /** The least of all counts, errors included, when a key last took the place of another. 0 before. */
  #least = 0
  /** Below this place no count is the least. */
  #hand = 0

  constructor(size: number) {
    this.#size = size
  }

  add(key: string, denial: Denial, now: number): void {
    const tally = this.#byKey.get(key) ?? this.#admit(key)
    tally[denial]++
    tally.first = Math.min(tally.first, now)
    tally.last = now
  }

  /** What is known of a key. One that has no place may have come as often as the least count. */
  of(key: string): Tally {
    return this.#byKey.get(key) ?? new Tally(key, this.#least)
  }

  keys(): Iterable<string> {
    return this.#byKey.keys()
  }

  #admit(key: string): Tally {
    const isFull = this.#places.length === this.#size
    const place = isFull ? this.#findLeast() : this.#places.length
    if (isFull) this.#byKey.delete(this.#places[place].key)
    const own = copyOf(key)
    const tally = new Tally(own, this.#least)
    this.#places[place] = tally
    this.#byKey.set(own, tally)
    return tally
  }

  /**
   * The place of a key that counts least. Counts only grow, so the search goes on where it ended. Each round
   * through all places raises the least count, which takes `size` events, so an event costs a step or two.
   */
  #findLeast(): number {
    for (;;) {
      for (; this.#hand < this.#size; this.#hand++)
        if (countOf(this.#places[this.#hand]) === this.#least) return this.#hand
      this.#hand = 0
      this.#least = Math.min(...this.#places.map(countOf))
    }
  }
}

/** A part of a string keeps all of it in memory, such as the header that a key was cut out of. */
function copyOf(key: string): string {
  return JSON.parse(JSON.stringify(key))
}

function countOf({ sum, error }: Tally): number {
  return sum + error
}
