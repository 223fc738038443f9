import { isIP } from 'node:net'
import { microsOf, monthOf, SECOND } from '../time.js'
import { type Entry, type Line, type Reader, type Reading, UNREADABLE } from './line.js'
import type { Selection } from './selection.js'

const SPACE = 0x20
const QUOTE = 0x22
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const QUERY = 0x3f
const BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSING = 0x5d

/**
 * Reads the common log format (`host ident user [time] "request" status bytes`) and the combined one, which
 * adds `"referer" "agent"`. What follows is ignored. Both may begin with the server, as in Apache's
 * `vhost_combined`: `example.com:443 host ident user`. It reads bytes by hand and makes no object and no
 * string but the key of each line.
 */
export class TextReader implements Reader, Line {
  readonly #selection: Selection
  /** Where the fields of the current line begin and end. */
  #bytes: Buffer = Buffer.alloc(0)
  #end = 0
  #hostStart = 0
  #hostEnd = 0
  #bracket = 0
  #requestStart = 0
  #requestEnd = 0
  #quotedStart = 0
  #quotedEnd = 0
  status = 0
  readonly reason = 'not a line of the common or the combined log format'

  constructor(selection: Selection) {
    this.#selection = selection
  }

  read(bytes: Buffer, start: number, end: number, entry: Entry): Reading {
    this.#bytes = bytes
    this.#end = end
    this.#hostStart = start
    this.#hostEnd = this.#wordEnd(start)
    if (this.#isServer()) {
      this.#hostStart = this.#hostEnd + 1
      this.#hostEnd = this.#wordEnd(this.#hostStart)
    }
    let at = this.#hostEnd
    while (at < end && bytes[at] !== BRACKET) at++
    this.#bracket = at
    const closing = this.#readTime(at, end, entry)
    if (closing < 0 || this.#hostEnd === this.#hostStart || bytes[closing + 2] !== QUOTE) return UNREADABLE
    this.#requestStart = closing + 3
    this.#requestEnd = this.#closingQuote(closing + 3)
    at = this.#requestEnd + 2
    this.status = this.#number(at, at + 3)
    if (Number.isNaN(this.status) || at + 3 > end || (at + 3 < end && bytes[at + 3] !== SPACE))
      return UNREADABLE
    return this.#selection.select(this, entry)
  }

  #wordEnd(at: number): number {
    while (at < this.#end && this.#bytes[at] !== SPACE) at++
    return at
  }

  /** Whether the first word is a server, as in `example.com:443`, and the second is the client's address. */
  #isServer(): boolean {
    const bytes = this.#bytes
    const end = this.#hostEnd
    let at = end
    while (isDigit(bytes[at - 1])) at--
    // Without an identity, which is `-`, the first word is the client, such as `2001:db8::1`.
    if (at === end || bytes[at - 1] !== COLON || bytes[end + 1] === DASH) return false
    const second = bytes.toString('latin1', end + 1, this.#wordEnd(end + 1))
    return isIP(second) !== 0 && isIP(bytes.toString('latin1', this.#hostStart, end)) === 0
  }

  /** Reads `[10/Oct/2000:13:55:36 -0700]`, with or without a fraction. Returns where the `]` is, or -1. */
  #readTime(bracket: number, end: number, entry: Entry): number {
    const bytes = this.#bytes
    if (bracket + 28 > end || bytes[bracket + 3] !== SLASH || bytes[bracket + 7] !== SLASH) return -1
    if (bytes[bracket + 12] !== COLON || bytes[bracket + 15] !== COLON || bytes[bracket + 18] !== COLON)
      return -1
    const day = this.#number(bracket + 1, bracket + 3)
    const month = monthAt(bytes, bracket + 4)
    const year = this.#number(bracket + 8, bracket + 12)
    const hour = this.#number(bracket + 13, bracket + 15)
    const minute = this.#number(bracket + 16, bracket + 18)
    const second = this.#number(bracket + 19, bracket + 21)
    let at = bracket + 21
    let fraction = 0
    if (bytes[at] === DOT) {
      for (let unit = SECOND / 10; isDigit(bytes[++at]); unit /= 10) fraction += (bytes[at] - ZERO) * unit
    }
    const zone = this.#number(at + 2, at + 6)
    const ahead = Math.floor(zone / 100) * 60 + (zone % 100)
    const offset = bytes[at + 1] === DASH ? -ahead : ahead
    const whole = microsOf(year, month, day, hour, minute, second, offset)
    // NaN where any of them is no number.
    if (Number.isNaN(whole) || at + 6 >= end || bytes[at] !== SPACE || bytes[at + 6] !== CLOSING) return -1
    entry.time = whole + Math.floor(fraction)
    entry.duration = -1
    return at + 6
  }

  /** Digits as a number, NaN if any of them is none. */
  #number(start: number, end: number): number {
    let number = 0
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at]
      if (!isDigit(byte)) return Number.NaN
      number = number * 10 + byte - ZERO
    }
    return number
  }

  /** Where the quoted text that begins at `at` ends: servers write a quote in it as `\"` or `\x22`. */
  #closingQuote(at: number): number {
    const bytes = this.#bytes
    while (at < this.#end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
    return at
  }

  field(name: string): string | undefined {
    switch (name) {
      case 'ip':
        return this.#bytes.toString('latin1', this.#hostStart, this.#hostEnd)
      case 'user':
        return this.#user()
      case 'method':
        return this.#bytes.toString('latin1', this.#requestStart, this.#methodEnd())
      case 'url':
        return this.#url(false)
      case 'route':
        return this.#url(true)
      case 'status':
        return String(this.status)
      case 'referer':
        return this.#quoted(1)
      case 'agent':
        return this.#quoted(2)
      default:
        return undefined
    }
  }

  /** The third word, which may have spaces in it. */
  #user(): string | undefined {
    let start = this.#hostEnd + 1
    while (start < this.#bracket && this.#bytes[start] !== SPACE) start++
    return textOf(this.#bytes, start + 1, this.#bracket - 1)
  }

  #methodEnd(): number {
    let at = this.#requestStart
    while (at < this.#requestEnd && this.#bytes[at] !== SPACE) at++
    return at
  }

  /** The second word of the request, with or without what follows the `?`. */
  #url(onlyPath: boolean): string | undefined {
    const bytes = this.#bytes
    const start = this.#methodEnd() + 1
    let end = start
    while (end < this.#requestEnd && bytes[end] !== SPACE && !(onlyPath && bytes[end] === QUERY)) end++
    return textOf(bytes, start, end)
  }

  /** Whether the line has what the combined format adds to the common one. */
  get isCombined(): boolean {
    return this.#find(2)
  }

  /** The first or second quoted text after the request. */
  #quoted(nth: number): string | undefined {
    return this.#find(nth) ? textOf(this.#bytes, this.#quotedStart, this.#quotedEnd) : undefined
  }

  #find(nth: number): boolean {
    this.#quotedEnd = this.#requestEnd
    for (let i = 0; i < nth; i++) {
      let at = this.#quotedEnd + 1
      while (at < this.#end && this.#bytes[at] !== QUOTE) at++
      this.#quotedStart = at + 1
      this.#quotedEnd = this.#closingQuote(at + 1)
    }
    return this.#quotedEnd < this.#end
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}

const MONTHS = new Map<number, number>()
for (const name of 'JanFebMarAprMayJunJulAugSepOctNovDec'.match(/.../g) as string[])
  MONTHS.set(monthCode(Buffer.from(name), 0), monthOf(name))

/** Three letters, whatever their case, as a number. */
function monthCode(bytes: Buffer, at: number): number {
  return ((bytes[at] | 0x20) << 16) | ((bytes[at + 1] | 0x20) << 8) | (bytes[at + 2] | 0x20)
}

function monthAt(bytes: Buffer, at: number): number {
  return MONTHS.get(monthCode(bytes, at)) ?? Number.NaN
}

/** The text, or undefined for none, which logs write as `-`. */
function textOf(bytes: Buffer, start: number, end: number): string | undefined {
  if (end <= start || (end === start + 1 && bytes[start] === DASH)) return undefined
  return bytes.toString('utf8', start, end)
}
