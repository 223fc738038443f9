import { TimeHeap } from './time-heap.js'

/** What happens to a request when all that came before it has happened. */
export type Visit = (time: number, key: number, cost: number, duration: number) => void

/** Puts requests in the order of their times, where none is older by more than `skew` than one before it. */
export class Reorder {
  /** Microseconds. */
  skew = 0
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
    this.#visitUntil(this.#latest - this.skew)
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
