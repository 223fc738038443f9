import type { Bytes } from './bytes.js'

const NEWLINE = 0x0a
const RETURN = 0x0d
/** The most bytes of a line, and what is read at a time. A longer line is not one of a log. */
export const LONGEST_LINE = 256 * 1024
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf)

/** Splits bytes into lines, in one buffer that is filled again and again. */
export class Lines {
  readonly bytes: Buffer = Buffer.allocUnsafe(LONGEST_LINE)
  /** Where the current line begins and ends, without its line break. */
  start = 0
  end = 0
  /** Whether the current line was too long, and is only a part of it. */
  isCut = false
  /** The number of the current line. The first is 1. */
  number = 0
  readonly #source: Bytes
  /** Where the bytes end that were not yet looked at, and where they begin. */
  #filled = 0
  #next = 0
  /** Whether the rest of a line that was too long is left out. */
  #skips = false
  #ended = false

  constructor(source: Bytes) {
    this.#source = source
  }

  /** Goes to the next line. Returns false if there is none in the buffer: then `fill` it. */
  next(): boolean {
    const { bytes } = this
    for (;;) {
      const found = this.#newline()
      if (found < 0 && !this.#isLast()) return false
      const end = found < 0 ? this.#filled : found
      this.start = this.#next
      this.end = end > this.start && bytes[end - 1] === RETURN ? end - 1 : end
      this.#next = found < 0 ? end : end + 1
      if (this.#skips) {
        this.#skips = found < 0 && !this.#ended
        continue
      }
      this.number++
      this.isCut = found < 0 && !this.#ended
      this.#skips = this.isCut
      return true
    }
  }

  /** Where the next line break is, or -1. Beyond what is filled, the buffer has bytes of earlier lines. */
  #newline(): number {
    if (this.#next === this.#filled) return -1
    const found = this.bytes.indexOf(NEWLINE, this.#next)
    return found < this.#filled ? found : -1
  }

  /** Whether the rest is a line, although no line break ends it: the last one, or one that is too long. */
  #isLast(): boolean {
    if (this.#ended) return this.#next < this.#filled
    return this.#next === 0 && this.#filled === this.bytes.length
  }

  /** Reads more bytes. Returns false at the end of the file. */
  async fill(): Promise<boolean> {
    if (this.#ended) return false
    const isFirst = this.#filled === 0 && this.number === 0
    this.bytes.copyWithin(0, this.#next, this.#filled)
    this.#filled -= this.#next
    this.#next = 0
    const read = await this.#source.read(this.bytes, this.#filled)
    this.#filled += read
    this.#ended = read === 0
    if (isFirst && this.#filled >= 3 && this.bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) this.#next = 3
    return true
  }

  /** Calls `look` with the first lines of the file, at most `count`, as far as the buffer holds them. */
  async peek(count: number, look: (bytes: Buffer, start: number, end: number) => void): Promise<void> {
    while (this.#filled < this.bytes.length && (await this.fill())) {}
    const next = this.#next
    while (this.number < count && this.next()) look(this.bytes, this.start, this.end)
    this.#next = next
    this.#skips = false
    this.number = 0
  }
}
