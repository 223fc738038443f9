// Counts of moments to counts a second, over some seconds, so that numbers do not jump.

/** @typedef {import('../../../types/console.js').ConsoleCounts} Counts */

export const OUTCOMES = /** @type {const} */ (['allowed', 'delayed', 'denied', 'blocked', 'shadowDenied'])

/** Milliseconds over which a rate is the mean. */
const WINDOW = 5000

/** @returns {Counts} */
export const zero = () => ({ allowed: 0, delayed: 0, denied: 0, blocked: 0, shadowDenied: 0 })

/** @param {readonly Counts[]} list */
export function sum(list) {
  const total = zero()
  for (const counts of list) for (const outcome of OUTCOMES) total[outcome] += counts[outcome]
  return total
}

/** Every decision. @param {Counts} counts */
export const all = (counts) => OUTCOMES.reduce((total, outcome) => total + counts[outcome], 0)

/**
 * What a client was, or would have been, refused.
 *
 * @param {Pick<Counts, 'denied' | 'blocked' | 'shadowDenied'>} counts
 */
export const refused = (counts) => counts.denied + counts.blocked + counts.shadowDenied

/**
 * What was added. Null where a counter fell, because its process began again.
 *
 * @param {Counts} after
 * @param {Counts} before
 */
export function difference(after, before) {
  const added = zero()
  for (const outcome of OUTCOMES) added[outcome] = after[outcome] - before[outcome]
  return OUTCOMES.some((outcome) => added[outcome] < 0) ? null : added
}

/** Rates by name. */
export class Rates {
  /** @type {Map<string, { span: number, counts: Counts }[]>} */
  #parts = new Map()

  /**
   * Adds the counts of the last `span` milliseconds.
   *
   * @param {string} name
   * @param {number} span
   * @param {Counts} counts
   */
  add(name, span, counts) {
    if (span <= 0) return
    const parts = this.#parts.get(name) ?? []
    parts.push({ span, counts })
    let length = parts.reduce((total, part) => total + part.span, 0)
    while (length - parts[0].span >= WINDOW) length -= /** @type {{ span: number }} */ (parts.shift()).span
    this.#parts.set(name, parts)
  }

  /** A second; null while nothing is known. @param {string} name @returns {Counts | null} */
  of(name) {
    const parts = this.#parts.get(name)
    if (parts === undefined) return null
    const seconds = parts.reduce((total, part) => total + part.span, 0) / 1000
    const rate = sum(parts.map(({ counts }) => counts))
    for (const outcome of OUTCOMES) rate[outcome] /= seconds
    return rate
  }

  clear() {
    this.#parts.clear()
  }
}
