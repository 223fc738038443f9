import { withPlace } from './columns.js'

const FIRST_SIZE = 256

/**
 * Requests by time, the earliest first, and of equal times the one that came first. It is a binary heap over
 * columns, so a request makes no object.
 */
export class TimeHeap {
  size = 0
  /** The request that `pop` has taken. */
  time = 0
  key = 0
  cost = 0
  duration = 0
  /** Slots, as a heap. */
  #heap = new Int32Array(FIRST_SIZE)
  readonly #free: number[] = []
  /** Columns of the slots. */
  #times = new Float64Array(FIRST_SIZE)
  #turns = new Float64Array(FIRST_SIZE)
  #keys = new Int32Array(FIRST_SIZE)
  #costs = new Float64Array(FIRST_SIZE)
  #durations = new Float64Array(FIRST_SIZE)
  #turn = 0

  /** The earliest time, `Infinity` if there is none. */
  get first(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]]
  }

  push(time: number, key: number, cost: number, duration: number): void {
    if (this.size === this.#heap.length) this.#grow()
    // Slots in use and free slots are as many as there ever were at once.
    const slot = this.#free.pop() ?? this.size
    this.#times[slot] = time
    this.#turns[slot] = this.#turn++
    this.#keys[slot] = key
    this.#costs[slot] = cost
    this.#durations[slot] = duration
    this.#rise(this.size++, slot)
  }

  /** Takes the earliest request. There must be one. */
  pop(): void {
    const slot = this.#heap[0]
    this.time = this.#times[slot]
    this.key = this.#keys[slot]
    this.cost = this.#costs[slot]
    this.duration = this.#durations[slot]
    this.#free.push(slot)
    this.size--
    this.#sink(this.#heap[this.size])
  }

  #isBefore(a: number, b: number): boolean {
    const times = this.#times
    return times[a] < times[b] || (times[a] === times[b] && this.#turns[a] < this.#turns[b])
  }

  /** Moves a slot up from a place at the end. */
  #rise(place: number, slot: number): void {
    const heap = this.#heap
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(slot, heap[parent])) break
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = slot
  }

  /** Moves a slot down from the top. */
  #sink(slot: number): void {
    const heap = this.#heap
    let place = 0
    for (let child = 1; child < this.size; child = 2 * place + 1) {
      if (child + 1 < this.size && this.#isBefore(heap[child + 1], heap[child])) child++
      if (!this.#isBefore(heap[child], slot)) break
      heap[place] = heap[child]
      place = child
    }
    heap[place] = slot
  }

  #grow(): void {
    const place = this.size
    this.#heap = withPlace(this.#heap, place)
    this.#times = withPlace(this.#times, place)
    this.#turns = withPlace(this.#turns, place)
    this.#keys = withPlace(this.#keys, place)
    this.#costs = withPlace(this.#costs, place)
    this.#durations = withPlace(this.#durations, place)
  }
}
