import type { ConsoleCounts, ConsoleSeries, ConsoleState } from '../../types/console.js'
import type { RateLimitStats } from '../../types/index.js'
import { add, Differences, OUTCOMES, zero } from './counts.js'

/** Milliseconds from point to point. */
export const STEP = 5000
/** 15 minutes. */
export const POINTS = 180
/** Limiters that have a series of their own. */
export const MOST_SERIES = 200

/** The counts of so many intervals, a ring for each outcome. */
class Ring {
  readonly #counts = new Uint32Array(OUTCOMES.length * POINTS)

  set(place: number, counts: ConsoleCounts): void {
    for (const [i, outcome] of OUTCOMES.entries()) this.#counts[i * POINTS + place] = counts[outcome]
  }

  /** The last points before a place. */
  list(place: number, points: number): Record<keyof ConsoleCounts, number[]> {
    const lists = OUTCOMES.map((outcome, i) => {
      const ring = this.#counts.subarray(i * POINTS, (i + 1) * POINTS)
      const from = place - points
      return [
        outcome,
        from < 0 ? [...ring.subarray(from), ...ring.subarray(0, place)] : [...ring.subarray(from, place)],
      ]
    })
    return Object.fromEntries(lists)
  }
}

/** What was counted in the last 15 minutes, in memory that does not grow. */
export class History {
  readonly #total = new Ring()
  readonly #limiters = new Map<string, Ring>()
  readonly #differences = new Differences()
  #place = 0
  #points = 0
  /** When the last interval ended, in milliseconds since 1970. */
  #end: number

  constructor({ limiters }: RateLimitStats, now: number) {
    this.#differences.next(limiters)
    this.#end = now
  }

  /** Ends an interval. Where it was too long, as in a process that slept, the points before are empty. */
  sample({ limiters }: RateLimitStats, now: number): void {
    const steps = Math.min(Math.max(Math.round((now - this.#end) / STEP), 1), POINTS)
    for (let i = 1; i < steps; i++) this.#put(new Map())
    this.#put(this.#differences.next(limiters))
    this.#end = now
  }

  series(): ConsoleState['series'] {
    const seriesOf = (ring: Ring): ConsoleSeries => ({
      end: this.#end,
      step: STEP,
      ...ring.list(this.#place, this.#points),
    })
    const limiters = [...this.#limiters].map(([name, ring]) => [name, seriesOf(ring)])
    return { total: seriesOf(this.#total), limiters: Object.fromEntries(limiters) }
  }

  #put(counts: ReadonlyMap<string, ConsoleCounts>): void {
    for (const name of counts.keys())
      if (!this.#limiters.has(name) && this.#limiters.size < MOST_SERIES) this.#limiters.set(name, new Ring())
    this.#total.set(this.#place, [...counts.values()].reduce(add, zero()))
    for (const [name, ring] of this.#limiters) ring.set(this.#place, counts.get(name) ?? zero())
    this.#place = (this.#place + 1) % POINTS
    this.#points = Math.min(this.#points + 1, POINTS)
  }
}
