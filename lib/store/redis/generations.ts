/**
 * A map that holds the entries written last, at least half as many as `size` and at most that many. Every operation is O(1): when
 * the young generation is full the old one is dropped whole.
 */
export class Generations<Value> {
  readonly #half: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(size: number) {
    this.#half = Math.ceil(size / 2)
  }

  get(id: string): Value | undefined {
    return this.#young.get(id) ?? this.#old.get(id)
  }

  set(id: string, value: Value): void {
    if (this.#half === 0) return
    if (this.#young.size >= this.#half && !this.#young.has(id)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(id, value)
  }

  delete(id: string): void {
    this.#young.delete(id)
    this.#old.delete(id)
  }

  *[Symbol.iterator](): Iterator<[string, Value]> {
    yield* this.#young
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
  }
}
