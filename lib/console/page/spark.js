// A small chart of what one limiter refused in the last 15 minutes.
import { set, svg } from './dom.js'

const WIDTH = 96
const HEIGHT = 20
/** Points of the series that make one of the small chart, and points of that. */
const PART = 6
const PARTS = 30

/** @typedef {import('./series.js').Series} Series */

export class Spark {
  #shadow = svg('path', { class: 'spark-shadow' })
  #denied = svg('path', { class: 'spark-denied' })
  node = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'spark', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    svg('path', { class: 'spark-ground', d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }),
    this.#denied,
    this.#shadow,
  )

  /** @param {Series} series */
  show(series) {
    const [blocked, denied] = [series.rates('blocked'), series.rates('denied')]
    const refused = parts(denied.map((rate, i) => rate + blocked[i]))
    const shadow = parts(series.rates('shadowDenied'))
    const most = Math.max(...refused, ...shadow, 1)
    set(this.#denied, { d: refused.some((rate) => rate > 0) ? `${line(refused, most)}V${HEIGHT}H0Z` : null })
    set(this.#shadow, { d: shadow.some((rate) => rate > 0) ? line(shadow, most) : null })
  }
}

/** The newest is the last; what was before the start is nothing. @param {readonly number[]} rates */
function parts(rates) {
  const means = Array(PARTS).fill(0)
  for (let end = rates.length, i = PARTS - 1; end > 0 && i >= 0; end -= PART, i--) {
    const part = rates.slice(Math.max(0, end - PART), end)
    means[i] = part.reduce((total, rate) => total + rate, 0) / part.length
  }
  return means
}

/** @param {readonly number[]} rates @param {number} most */
function line(rates, most) {
  const step = WIDTH / Math.max(rates.length - 1, 1)
  const y = (/** @type {number} */ rate) => (HEIGHT - 1 - (rate / most) * (HEIGHT - 2)).toFixed(1)
  return rates.map((rate, i) => `${i === 0 ? 'M' : 'L'}${(i * step).toFixed(1)} ${y(rate)}`).join('')
}
