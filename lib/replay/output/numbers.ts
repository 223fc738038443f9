import type { PolicyReport } from '../report.js'

/** `1,234,567`. */
export function whole(number: number): string {
  return number.toLocaleString('en-US')
}

/** A share from 0 to 1 as `12.3 %`: three digits that count, and never `0 %` or `100 %` of something else. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`
  if (share < 0.0001) return '< 0.01 %'
  if (share > 0.9999) return '> 99.99 %'
  const digits = share < 0.1 ? 2 : share < 0.9995 ? 1 : 2
  return `${(share * 100).toFixed(digits)} %`
}

/** A noun after a number: `1 key`, `1,200 keys`. */
export function counted(number: number, noun: string): string {
  return `${whole(number)} ${noun}${number === 1 ? '' : 's'}`
}

/** `2026-03-01 12:00:05` of an ISO time. */
export function clockTime(iso: string): string {
  return iso.replace('T', ' ').replace('Z', '')
}

/** Two ISO times as `2026-03-01 12:00:05 to 12:09:40`. The second has a date only if it is another one. */
export function span(from: string, to: string): string {
  const [date, time] = clockTime(to).split(' ')
  return `${clockTime(from)} to ${from.startsWith(date) ? time : `${date} ${time}`}`
}

/** A policy among others: its name, and what it denied of requests and of keys. */
export function cellsOf({ name, denied, keysDenied }: PolicyReport): string[] {
  const counts = [denied, keysDenied].flatMap(({ count, share }) => [whole(count), percent(share)])
  return [name, ...counts]
}
