import type { AsyncStoreStats } from '../../../../types/index.js'

/** Upper bounds in seconds. A call on a local network takes about 0.0002. */
const BOUNDS = Object.freeze([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1])

/** Counts script calls, and how long they took. */
export class CallStats {
  readonly #listeners = new Set<(seconds: number) => void>()
  #failures = 0
  #micros = 0
  readonly #counts: number[] = new Array(BOUNDS.length + 1).fill(0)

  /** Counts a call that was answered, or given up, after so many microseconds. */
  count(micros: number, failed: boolean): void {
    if (failed) this.#failures++
    this.#micros += micros
    let i = 0
    while (i < BOUNDS.length && micros > BOUNDS[i] * 1e6) i++
    this.#counts[i]++
    for (const listener of this.#listeners) listener(micros / 1e6)
  }

  /** Calls `listener` with the seconds of each call, until the returned function is called. */
  listen(listener: (seconds: number) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  read(): Omit<AsyncStoreStats, 'local'> {
    const counts = [...this.#counts]
    const calls = counts.reduce((sum, count) => sum + count)
    return { calls, failures: this.#failures, durations: { bounds: BOUNDS, counts, sum: this.#micros / 1e6 } }
  }
}
