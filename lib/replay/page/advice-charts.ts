import { parsePeriod } from '../../policy/index.js'
import { whole } from '../output/numbers.js'
import type { Advice, Shares, Suggestion } from '../report.js'
import {
  BOTTOM,
  chart,
  countTicks,
  LEFT,
  legend,
  linear,
  logarithmic,
  place,
  powers,
  RIGHT,
  roundLimit,
  TOP,
} from './chart.js'
import { html, type Markup } from './markup.js'

const SHARES: readonly (readonly [keyof Shares, string])[] = [
  ['50%', 'half'],
  ['90%', 'most'],
  ['99%', 'nearly'],
  ['99.9%', 'all'],
]
const MINUTE = 60e6

/** The least burst at each rate: a line for each share of the keys, and the policy that is suggested. */
export function curveChart({ rates, suggestion }: Advice): Markup {
  const rows = rates
    .map(({ rate, per, burst }) => ({ rate: (rate * MINUTE) / parsePeriod(per, 'per'), burst }))
    .sort((a, b) => a.rate - b.rate)
  const bursts = rows.flatMap(({ burst }) => SHARES.map(([share]) => Math.max(1, burst[share])))
  const slowest = rows[0].rate
  // One rate alone is drawn in the middle.
  const fastest = Math.max(rows[rows.length - 1].rate, slowest * 1.001)
  const most = Math.max(10, ...bursts) * 1.2
  const x = logarithmic(slowest, fastest, LEFT + 12, RIGHT - 12)
  const y = logarithmic(1, most, BOTTOM, TOP)
  const lines = SHARES.map(([share, name]) => {
    const points = rows.map(({ rate, burst }) => `${place(x(rate))} ${place(y(Math.max(1, burst[share])))}`)
    const dots = rows.map(
      ({ rate, burst }, i) =>
        html`<circle class="${name}" cx="${points[i].split(' ')[0]}" cy="${points[i].split(' ')[1]}" r="3"><title>${whole(rate)} a minute: a burst of ${whole(burst[share])} spares ${share} of the keys</title></circle>`,
    )
    return html`<path class="line ${name}" d="M${points.join('L')}"/>${dots}`
  })
  const marks = suggestion === null ? [] : [mark(suggestion, x, y)]
  const ticks = rows.map(({ rate }) => ({ at: x(rate), label: whole(Math.round(rate * 100) / 100) }))
  const levels = powers(1, most).map((burst) => ({ at: y(burst), label: whole(burst) }))
  return html`${legend(SHARES.map(([share, name]) => [name, share.replace('%', ' %')]))}${chart(
    'The least burst that never denies half, 90 %, 99 % and 99.9 % of the keys, by rate',
    { title: 'rate a minute', ticks },
    { title: 'least burst', ticks: levels },
    [...lines, ...marks],
  )}`
}

function mark(
  { policy: { rate, per, burst } }: Suggestion,
  x: (rate: number) => number,
  y: (burst: number) => number,
): Markup {
  const at = x((rate * MINUTE) / parsePeriod(per, 'per'))
  const isRight = at > (LEFT + RIGHT) / 2
  const text = `suggested: ${rate} per ${per}, burst ${burst}`
  return html`<circle class="mark" cx="${place(at)}" cy="${place(y(burst))}" r="7"/><text class="strong" x="${place(at + (isRight ? -12 : 12))}" y="${place(Math.max(TOP + 10, y(burst) - 10))}" text-anchor="${isRight ? 'end' : 'start'}">${text}</text>`
}

/** How many keys need which burst at the rate that is suggested. Keys to the right of the line are denied. */
export function peaksChart({ policy: { burst }, peaks }: Suggestion): Markup {
  const width = (RIGHT - LEFT) / peaks.length
  const most = roundLimit(Math.max(...peaks.map(({ keys }) => keys)))
  const y = linear(0, most, BOTTOM, TOP + 14)
  const bars = peaks.map(({ upTo, keys }, i) => {
    const from = i === 0 ? 1 : peaks[i - 1].upTo + 1
    if (keys === 0) return html``
    const left = LEFT + i * width + width * 0.1
    const top = Math.min(y(keys), BOTTOM - 1)
    const name = from > burst ? 'denied' : 'allowed'
    const range = from === upTo ? whole(upTo) : `${whole(from)} to ${whole(upTo)}`
    return html`<g><title>${whole(keys)} keys need a burst of ${range}</title><rect class="${name}" x="${place(left)}" y="${place(top)}" width="${place(width * 0.8)}" height="${place(BOTTOM - top)}"/><text x="${place(left + width * 0.4)}" y="${place(top - 5)}" text-anchor="middle">${whole(keys)}</text></g>`
  })
  const ticks = peaks.map(({ upTo }, i) => ({ at: LEFT + (i + 0.5) * width, label: `≤ ${whole(upTo)}` }))
  const counts = countTicks(most).map((count) => ({ at: y(count), label: whole(count) }))
  return chart(
    'How many keys need which burst at the suggested rate',
    { title: 'least burst', ticks },
    { title: 'keys', ticks: counts },
    [limitLine(burst, peaks, width), ...bars],
  )
}

/** The line at the burst: inside of the bar where its number lies. */
function limitLine(burst: number, peaks: Suggestion['peaks'], width: number): Markup {
  // There is one: a burst is rounded up to a number that is at most the end of its bar.
  const bar = peaks.findIndex(({ upTo }) => upTo >= burst)
  const low = bar === 0 ? 0 : peaks[bar - 1].upTo
  const at = place(LEFT + (bar + (burst - low) / (peaks[bar].upTo - low)) * width)
  return html`<path class="limit" d="M${at} ${TOP}V${BOTTOM}"><title>burst ${whole(burst)}</title></path>`
}
