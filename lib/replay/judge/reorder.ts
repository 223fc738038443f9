import { TimeHeap } from './time-heap.js'

/** What happens to a request when all that came before it has happened. */
export type Visit = (time: number, key: number, cost: number, duration: number) => void

/** Requests that wait for the sake of `slack`: about 50 MB. */
export const MOST_WAITING = 2 ** 20

/**
 * Puts requests in the order of their times, where none is older by more than `skew` and `slack` together
 * than one before it.
 */
export class Reorder {
  /** Microseconds by which lines may be out of order. */
  skew = 0
  /** Microseconds by which requests arrive before their lines. Where too many wait, less counts. */
  slack = 0
  readonly #visit: Visit
  readonly #heap = new TimeHeap()
  #latest = Number.NEGATIVE_INFINITY
  #visited = Number.NEGATIVE_INFINITY
  /** Requests that were older than one that had been visited. They count at its time. */
  late = 0

  constructor(visit: Visit) {
    this.#visit = visit
  }

  push(time: number, key: number, cost: number, duration: number): void {
    if (time < this.#visited) this.late++
    if (time > this.#latest) this.#latest = time
    this.#heap.push(Math.max(time, this.#visited), key, cost, duration)
    const newest = this.#latest - this.skew
    this.#visitUntil(newest - this.slack)
    if (this.#heap.size > MOST_WAITING) this.#visitUntil(Math.min(this.#heap.first, newest))
  }

  /** Visits all that wait. */
  finish(): void {
    this.#visitUntil(this.#latest)
  }

  #visitUntil(end: number): void {
    const heap = this.#heap
    while (heap.first <= end) {
      heap.pop()
      this.#visited = heap.time
      this.#visit(heap.time, heap.key, heap.cost, heap.duration)
    }
  }
}
