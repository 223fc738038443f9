/**
 * A shared memory as words and as doubles. This store writes to it through these methods, and into rings. A
 * thread may end between any two writes: the protocol survives that, and the tests end a thread there.
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

  /** `at` counts words and is even. One store of 8 aligned bytes: nobody sees half of it. */
  setDouble(at: number, value: number): void {
    this.doubles[at >> 1] = value
  }

  /** For words that other threads read at any time. No other write of this thread moves across it. */
  publish(at: number, value: number): void {
    Atomics.store(this.words, at, value)
  }

  /** Writes `value` if the word is `expected`. Returns the word as it was before. */
  swap(at: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.words, at, expected, value)
  }
}
