import { SECOND } from '../time.js'

/** Most bars of a timeline. */
export const MOST_BARS = 240
/** Lengths of a bar in seconds. Each is a multiple of the one before, so that bars can be joined. */
const STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800]

/**
 * Counts over time, in bars that grow longer as the log goes on: its length is not known before its end. Bars
 * begin at multiples of their length since 1970. Time never goes back.
 */
export class Timeline {
  /** Microseconds of a bar. */
  step = STEPS[0] * SECOND
  /** Bars counted from 1970 to the first one. */
  #first = -1
  readonly requests = new Float64Array(MOST_BARS)
  readonly denied = new Float64Array(MOST_BARS)
  /** Bars in use. */
  length = 0

  add(micros: number, denied: boolean): void {
    let bar = Math.floor(micros / this.step)
    if (this.#first < 0) this.#first = bar
    while (bar - this.#first >= MOST_BARS) {
      this.#lengthen()
      bar = Math.floor(micros / this.step)
    }
    const place = bar - this.#first
    this.length = Math.max(this.length, place + 1)
    this.requests[place]++
    if (denied) this.denied[place]++
  }

  /** Microseconds since 1970 at which a bar begins. */
  startOf(bar: number): number {
    return (this.#first + bar) * this.step
  }

  #lengthen(): void {
    const step = STEPS.find((seconds) => seconds * SECOND > this.step) ?? (this.step / SECOND) * 2
    const joined = (step * SECOND) / this.step
    const first = Math.floor(this.#first / joined)
    for (let bar = 0; bar < this.length; bar++) {
      const place = Math.floor((this.#first + bar) / joined) - first
      for (const counts of [this.requests, this.denied]) {
        const count = counts[bar]
        counts[bar] = 0
        counts[place] += count
      }
    }
    this.length = Math.floor((this.#first + this.length - 1) / joined) - first + 1
    this.step = step * SECOND
    this.#first = first
  }
}
