import type { ConsoleCounts } from '../../types/console.js'
import type { RateLimitStats } from '../../types/index.js'

export const OUTCOMES = ['allowed', 'delayed', 'denied', 'blocked', 'shadowDenied'] as const

type Limiters = RateLimitStats['limiters']

export function zero(): ConsoleCounts {
  return { allowed: 0, delayed: 0, denied: 0, blocked: 0, shadowDenied: 0 }
}

export function add(sum: ConsoleCounts, counts: ConsoleCounts): ConsoleCounts {
  for (const outcome of OUTCOMES) sum[outcome] += counts[outcome]
  return sum
}

/** Only what is not zero: a tick goes to all pages each second. */
export function nonZero(counts: ConsoleCounts): Partial<ConsoleCounts> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** What became of all decisions of one limiter. */
export function countsOf({ policies }: Limiters[string]): ConsoleCounts {
  return Object.values(policies).reduce(add, zero())
}

/** What became of the decisions of all limiters. */
export function totalOf(limiters: Limiters): ConsoleCounts {
  return Object.values(limiters).map(countsOf).reduce(add, zero())
}

/** What is counted from one reading to the next. */
export class Differences {
  readonly #last = new Map<string, ConsoleCounts>()

  /**
   * By the name of the limiter, where there is something. A count that fell began again: an update took its
   * policy away.
   */
  next(limiters: Limiters): Map<string, ConsoleCounts> {
    const changed = new Map<string, ConsoleCounts>()
    for (const [name, limiter] of Object.entries(limiters)) {
      const counts = countsOf(limiter)
      const last = this.#last.get(name) ?? zero()
      this.#last.set(name, counts)
      const added = zero()
      let sum = 0
      for (const outcome of OUTCOMES) sum += added[outcome] = Math.max(0, counts[outcome] - last[outcome])
      if (sum > 0) changed.set(name, added)
    }
    return changed
  }
}
