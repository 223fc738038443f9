import { clockTime, whole } from '../output/numbers.js'
import type { TimelineReport } from '../report.js'
import { isoOf, parseTime, SECOND } from '../time.js'
import {
  BOTTOM,
  chart,
  countTicks,
  LEFT,
  legend,
  linear,
  place,
  RIGHT,
  roundLimit,
  type Tick,
  TOP,
} from './chart.js'
import { html, type Markup } from './markup.js'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Lengths between two labels of time, in seconds. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((days) => days * DAY),
]
const MOST_LABELS = 9

/** Requests over time, those denied below those allowed. */
export function timelineChart({ from, seconds, requests, denied }: TimelineReport): Markup {
  const start = parseTime(from) / SECOND
  const end = start + requests.length * seconds
  const x = linear(start, end, LEFT, RIGHT)
  const most = roundLimit(Math.max(...requests))
  const y = linear(0, most, BOTTOM, TOP)
  const width = Math.max(0.5, (RIGHT - LEFT) / requests.length - (requests.length > 120 ? 0 : 1))
  const bars = requests.map((count, i) => {
    if (count === 0) return html``
    const left = place(x(start + i * seconds))
    const [top, middle] = [y(count), y(denied[i])]
    const time = clockTime(isoOf((start + i * seconds) * SECOND))
    const red = denied[i] === 0 ? null : bar('denied', left, Math.min(middle, BOTTOM - 1), BOTTOM, width)
    return html`<g><title>${time}: ${whole(count)} requests, ${whole(denied[i])} denied</title>${bar('allowed', left, top, middle, width)}${red}</g>`
  })
  const label = `Requests and denials from ${clockTime(isoOf(start * SECOND))} to ${clockTime(isoOf(end * SECOND))}`
  const counts = countTicks(most).map((count) => ({ at: y(count), label: whole(count) }))
  const title = { x: `UTC, each bar ${lengthText(seconds)}`, y: 'requests' }
  return html`${legend([
    ['allowed', 'allowed'],
    ['denied', 'denied'],
  ])}${chart(label, { title: title.x, ticks: timeTicks(start, end, x) }, { title: title.y, ticks: counts }, bars)}`
}

function bar(name: string, left: string, top: number, bottom: number, width: number): Markup {
  return html`<rect class="${name}" x="${left}" y="${place(top)}" width="${place(width)}" height="${place(Math.max(0, bottom - top))}"/>`
}

/** Labels at round times: the time of day, or the date where a day begins. */
function timeTicks(start: number, end: number, x: (second: number) => number): Tick[] {
  const step = STEPS.find((step) => (end - start) / step <= MOST_LABELS) ?? (STEPS.at(-1) as number)
  const ticks: Tick[] = []
  for (let at = Math.ceil(start / step) * step; at <= end; at += step) {
    const [date, time] = clockTime(isoOf(at * SECOND)).split(' ')
    const label = at % DAY === 0 ? date.slice(5) : step < MINUTE ? time : time.slice(0, 5)
    ticks.push({ at: x(at), label })
  }
  return ticks
}

function lengthText(seconds: number): string {
  if (seconds % DAY === 0) return `${seconds / DAY} d`
  if (seconds % HOUR === 0) return `${seconds / HOUR} h`
  return seconds % MINUTE === 0 ? `${seconds / MINUTE} min` : `${seconds} s`
}
