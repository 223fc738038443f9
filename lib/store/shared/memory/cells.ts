/**
 * A shared memory as words and as doubles, and every way in which this store writes to either: a termination between any two
 * of these calls is what the protocol has to survive, and what the tests put there.
 */
export class Cells {
  readonly words: Int32Array
  readonly doubles: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory)
    this.doubles = new Float64Array(memory)
  }

  /** For words that only the owner of a lock reads or writes. */
  set(at: number, value: number): void {
    this.words[at] = value
  }

  /** `at` in words, and even: one store of 8 aligned bytes, which nothing divides. */
  setDouble(at: number, value: number): void {
    this.doubles[at >> 1] = value
  }

  /** For words that others read at any time: no other write of this thread moves across it. */
  publish(at: number, value: number): void {
    Atomics.store(this.words, at, value)
  }

  /** Writes `value` where `expected` is found; returns what was found. */
  swap(at: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.words, at, expected, value)
  }
}
