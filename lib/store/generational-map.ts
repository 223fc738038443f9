/**
 * A map that holds the entries written last: at most `size` of them, and at least half as many, rounded down.
 * Every operation is O(1): when the young generation is full the old one is dropped whole.
 */
export class GenerationalMap<Value> {
  readonly #half: number
  readonly #keepsOld: boolean
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(size: number) {
    this.#half = size === 1 ? 1 : Math.floor(size / 2)
    this.#keepsOld = size > 1
  }

  /** Whether there are no entries. Cheaper than looking for one. */
  get isEmpty(): boolean {
    return this.#young.size === 0 && this.#old.size === 0
  }

  get(id: string): Value | undefined {
    return this.#young.get(id) ?? this.#old.get(id)
  }

  set(id: string, value: Value): void {
    if (this.#half === 0) return
    if (this.#young.size >= this.#half && !this.#young.has(id)) {
      if (this.#keepsOld) this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(id, value)
  }

  delete(id: string): void {
    this.#young.delete(id)
    this.#old.delete(id)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  *[Symbol.iterator](): Iterator<[string, Value]> {
    yield* this.#young
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
  }
}
