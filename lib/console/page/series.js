// The last 15 minutes of one limiter or of all, a point every 5 s.
import { OUTCOMES, zero } from './rates.js'

/** @typedef {import('../../../types/console.js').ConsoleCounts} Counts */
/** @typedef {import('../../../types/console.js').ConsoleSeries} ConsoleSeries */

const POINTS = 180

export class Series {
  /** @type {number} */
  #end
  /** @type {number} */
  #step
  /** @type {Record<keyof Counts, number[]>} */
  #counts
  /** Counts after the last point. */
  #open = zero()
  /** Since when `#open` was counted. */
  #from

  /** @param {ConsoleSeries} series @param {number} now */
  constructor(series, now) {
    this.#end = series.end
    this.#step = series.step
    this.#counts = /** @type {Record<keyof Counts, number[]>} */ (
      Object.fromEntries(OUTCOMES.map((outcome) => [outcome, series[outcome].slice(-POINTS)]))
    )
    this.#from = Math.max(now, series.end)
  }

  /** Counts of the time that ends `now`. @param {Counts} counts @param {number} now */
  add(counts, now) {
    for (const outcome of OUTCOMES) this.#open[outcome] += counts[outcome]
    if (now < this.#end + this.#step) return
    // The first point is not seen from its beginning, and no tick comes at the very end of one.
    const seen = Math.max(now - this.#from, 1000) / this.#step
    this.#close(seen < 2 ? seen : 1)
    while (now >= this.#end + this.#step) this.#close(1)
    this.#from = now
  }

  /** @param {number} seen the part of an interval in which was counted what is not a point yet */
  #close(seen) {
    this.#end += this.#step
    for (const outcome of OUTCOMES) {
      const counts = this.#counts[outcome]
      counts.push(this.#open[outcome] / seen)
      if (counts.length > POINTS) counts.shift()
    }
    this.#open = zero()
  }

  /** Times in seconds since 1970, as charts want them. */
  get times() {
    const { length } = this.#counts.allowed
    return Array.from({ length }, (_, i) => (this.#end - (length - 1 - i) * this.#step) / 1000)
  }

  /** A second. @param {keyof Counts} outcome */
  rates(outcome) {
    return this.#counts[outcome].map((count) => (count * 1000) / this.#step)
  }

  /** Counts of the last so many milliseconds. @param {number} ms @returns {Counts} */
  last(ms) {
    const points = Math.ceil(ms / this.#step)
    const total = zero()
    for (const outcome of OUTCOMES)
      for (const count of this.#counts[outcome].slice(-points)) total[outcome] += count
    return total
  }
}
