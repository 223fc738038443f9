import { html, type Markup } from './markup.js'

/** Room of a chart and of what is drawn in it, in units of its view box. */
export const WIDTH = 720
export const HEIGHT = 260
export const LEFT = 56
export const RIGHT = WIDTH - 24
export const TOP = 14
export const BOTTOM = HEIGHT - 40

/** A line of an axis, with a label. */
export interface Tick {
  readonly at: number
  readonly label: string
}

/** Where a value lies in a range, from `start` to `end` of the drawing. */
export type Scale = (value: number) => number

export function linear(low: number, high: number, start: number, end: number): Scale {
  return (value) => start + ((value - low) / (high - low)) * (end - start)
}

export function logarithmic(low: number, high: number, start: number, end: number): Scale {
  const scale = linear(Math.log(low), Math.log(high), start, end)
  return (value) => scale(Math.log(value))
}

/** Numbers with a place for a digit, as in `12.3`: positions need no more. */
export function place(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** Parts of an axis of counts. */
const PARTS = 4

/** The least round number, at least `value`, of which a quarter is round and whole, too. */
export function roundLimit(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value / PARTS, 1)))
  const part = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find(
    (digit) => (digit * power) % 1 === 0 && digit * power * PARTS >= value,
  )
  return (part as number) * power * PARTS
}

/** The numbers on an axis from 0 to a round limit. */
export function countTicks(limit: number): number[] {
  return Array.from({ length: PARTS + 1 }, (_, i) => (limit / PARTS) * i)
}

/** The powers of ten from `low` to `high`, with both ends. */
export function powers(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low))
  return Array.from(
    { length: Math.max(0, Math.floor(Math.log10(high)) - first + 1) },
    (_, i) => 10 ** (first + i),
  )
}

/** A chart with its axes. `label` says to those who cannot see it what it shows. */
export function chart(
  label: string,
  x: { readonly title: string; readonly ticks: readonly Tick[] },
  y: { readonly title: string; readonly ticks: readonly Tick[] },
  drawing: readonly Markup[],
): Markup {
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
${y.ticks.map(({ at, label }) => html`<path class="grid" d="M${LEFT} ${place(at)}H${RIGHT}"/><text x="${LEFT - 8}" y="${place(at + 4)}" text-anchor="end">${label}</text>`)}
${drawing}
<path class="axis" d="M${LEFT} ${BOTTOM}H${RIGHT}"/>
${x.ticks.map(({ at, label }) => html`<path class="axis" d="M${place(at)} ${BOTTOM}v4"/><text x="${place(at)}" y="${BOTTOM + 17}" text-anchor="middle">${label}</text>`)}
<text class="title" x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${x.title}</text>
<text class="title" transform="translate(12 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${y.title}</text>
</svg>`
}

/** Colours and what they stand for. Each name is a class of the style. */
export function legend(entries: readonly (readonly [name: string, text: string])[]): Markup {
  return html`<p class="legend">${entries.map(([name, text]) => html`<span><i class="${name}"></i>${text}</span>`)}</p>`
}
