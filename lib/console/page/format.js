// Numbers, times and keys as text. Pure, so that it is tested without a browser.

const whole = new Intl.NumberFormat()
const tenth = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
const share = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 })
const smallShare = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'long' })

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Characters of a key that are shown before it is cut. */
const LONGEST_KEY = 96
/** What the server says of a key that it cut. */
const CUT = /… \([\d,]+ characters\)$/
/** Control characters, marks of writing direction, and characters without a width. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be made visible
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu

/** @param {number} value */
export const count = (value) => whole.format(value)

/** A count in few characters: `31,208` as it is, `1204311` as `1.2M`. @param {number} value */
export const shortCount = (value) => (value < 100_000 ? whole.format(value) : compact.format(value))

/**
 * Decisions a second: with one digit of a fraction below 10, and none above. `null`: not known yet.
 *
 * @param {number | null} value
 */
export function perSecond(value) {
  if (value === null) return '–'
  if (value === 0) return '0'
  if (value < 0.05) return `<${tenth.format(0.1)}`
  if (value < 9.95) return tenth.format(value)
  return shortCount(Math.round(value))
}

/**
 * A share from 0 to 1. What is not quite nothing is never shown as 0 %, nor what is not quite all as 100 %.
 *
 * @param {number} value
 */
export function percent(value) {
  if (value > 0 && value < 0.001) return `<${smallShare.format(0.001)}`
  if (value < 0.0995 && value > 0) return smallShare.format(value)
  return value < 1 && value >= 0.995 ? `>${share.format(0.99)}` : share.format(value)
}

/** @param {number | string} at */
export const clockTime = (at) => clock.format(new Date(at))

/** Hours and minutes, for the axis of a chart. @param {number} at */
export const minuteTime = (at) => minute.format(new Date(at))

/** The time of today, or the day and the time. @param {number | string} at @param {number} now */
export function when(at, now) {
  const date = new Date(at)
  const isToday = new Date(now).toDateString() === date.toDateString()
  return isToday ? clock.format(date) : `${day.format(date)}, ${minute.format(date)}`
}

/** With the zone, for a title. @param {number | string} at */
export const fullTime = (at) => full.format(new Date(at))

/**
 * Two units at most: `9 min 20 s`, `2 h`, `400 ms`. `null`: never.
 *
 * @param {number | null} ms
 */
export function duration(ms) {
  if (ms === null) return 'never'
  if (ms < SECOND) return `${Math.ceil(ms)} ms`
  const units = /** @type {const} */ ([
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ])
  let rest = Math.ceil(ms / SECOND) * SECOND
  const first = units.findIndex(([size]) => rest >= size)
  const parts = []
  for (const [size, name] of units.slice(first, first + 2)) {
    const part = Math.floor(rest / size)
    rest -= part * size
    if (part > 0) parts.push(`${whole.format(part)} ${name}`)
  }
  return parts.join(' ')
}

/** @param {number | string} at @param {number} now */
export function ago(at, now) {
  const ms = now - new Date(at).getTime()
  if (ms < 1500) return 'now'
  const age = duration(Math.floor(ms / SECOND) * SECOND)
  return `${age.replace(/ \d+ s$/, '')} ago`
}

/**
 * What a client sent, for people to read: what could hide or reorder text is written as `\u202e`, and what is
 * long is cut.
 *
 * @param {string} text
 */
export function shown(text) {
  const [cut] = text.match(CUT) ?? ['']
  const whole = text.slice(0, text.length - cut.length)
  const head = whole.length > LONGEST_KEY ? whole.slice(0, LONGEST_KEY) : whole
  // A cut may leave half of a character at the end.
  const visible = head
    .replace(/[\ud800-\udbff]$/, '')
    .replace(UNSEEN, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const end = head === whole ? cut : cut || `… (${count(text.length)} characters)`
  return visible + end
}

/** `one` of a thing, or its plural. @param {number} amount @param {string} one @param {string} [many] */
export function counted(amount, one, many = `${one}s`) {
  return `${whole.format(amount)} ${amount === 1 ? one : many}`
}
