import { logError } from '../errors.js'
import { Detector, type Format, LOOK_AT, readerOf } from '../readers/detect.js'
import type { FieldPaths } from '../readers/json.js'
import {
  LEFT_OUT,
  LONGEST_REQUEST,
  newEntry,
  OTHER,
  REQUEST,
  type Reader,
  type Reading,
  UNREADABLE,
} from '../readers/line.js'
import type { SelectionOptions } from '../readers/selection.js'
import { checkTextOptions } from '../readers/text-fields.js'
import type { Bytes } from './bytes.js'
import { Lines, LONGEST_LINE } from './lines.js'
import type { OpenableLog } from './log-file.js'
import { Outliers } from './outliers.js'

/** What the reading of a file needs to know. */
export interface SourceOptions {
  readonly format: Format | null
  readonly selection: SelectionOptions
  readonly paths: FieldPaths
  /** Microseconds. */
  readonly skew: number
}

/** The first unreadable line of a file. */
export interface BadLine {
  readonly line: number
  readonly reason: string
  /** The line itself, at most 80 characters of it. */
  readonly text: string
}

const SHOWN = 80

/** The requests of one log, one at a time. */
export class Source {
  /** The current request. */
  readonly entry = newEntry()
  readonly log: OpenableLog
  format: Format | null
  /** Lines of each kind, by their reading. */
  readonly counts: [requests: number, leftOut: number, other: number, unreadable: number] = [0, 0, 0, 0]
  firstBad: BadLine | null = null
  /** Why the file ends too early, or null. Known when it is closed. */
  damage: string | null = null
  readonly #options: SourceOptions
  #bytes: Bytes | null = null
  #lines!: Lines
  #reader!: Reader
  #outliers!: Outliers
  #consumed = 0
  #number = 0
  /** The last reading at which `next` stops. */
  #stopsAt: Reading = REQUEST

  constructor(log: OpenableLog, options: SourceOptions) {
    this.log = log
    this.format = options.format
    this.#options = options
  }

  /** Bytes read of the file. */
  get consumed(): number {
    return this.#bytes?.consumed ?? this.#consumed
  }

  /** Lines read. */
  get lines(): number {
    return this.#bytes === null ? this.#number : this.#lines.number
  }

  /** Requests whose times were wrong. */
  get wrongTimes(): number {
    return this.#outliers.wrong
  }

  /** Microseconds by which requests may have arrived before their lines: 0 where no line has a duration. */
  get slack(): number {
    const hasDurations =
      this.format === 'pino' || (this.format === 'json' && this.#options.paths.duration !== undefined)
    return hasDurations ? LONGEST_REQUEST : 0
  }

  get isOpen(): boolean {
    return this.#bytes !== null
  }

  /** Opens the log at its beginning, and goes to its first request. Returns false if there is none. */
  async open(): Promise<boolean> {
    this.#stopsAt = REQUEST
    return await this.#begin()
  }

  /**
   * Writes the time of the first request into `entry`, be it left out or not, and closes the file. Returns
   * false if there is none.
   */
  async peek(): Promise<boolean> {
    this.#stopsAt = LEFT_OUT
    const found = await this.#begin()
    await this.close()
    return found
  }

  async #begin(): Promise<boolean> {
    this.#bytes = await this.log.open()
    this.#lines = new Lines(this.#bytes)
    this.format ??= await this.#detect()
    const { selection, paths, skew } = this.#options
    if (this.format === 'combined' || this.format === 'common')
      checkTextOptions(selection, paths, `${this.log.name} is a ${this.format} log`)
    this.#reader = readerOf(this.format ?? 'common', selection, paths)
    this.#outliers = new Outliers(skew)
    this.counts.fill(0)
    this.firstBad = null
    return await this.advance()
  }

  /** Goes to the next request. Returns false, and closes the file, after the last one. */
  async advance(): Promise<boolean> {
    while (!this.next()) {
      if (await this.#lines.fill()) continue
      while (this.#overdue(true))
        if (this.#outliers.admits(this.entry) || this.#outliers.take(this.entry)) return true
      this.#outliers.release()
      if (this.#outliers.take(this.entry)) return true
      await this.close()
      return false
    }
    return true
  }

  /** Goes to the next request that the buffer holds. Returns false if there is none. */
  next(): boolean {
    while (!this.#outliers.take(this.entry)) {
      if (!this.#read()) return false
      if (this.#outliers.admits(this.entry)) return true
    }
    return true
  }

  /** Reads up to the next request of the buffer, in the order of lines. */
  #read(): boolean {
    const lines = this.#lines
    if (this.#overdue(false)) return true
    while (lines.next()) {
      if (lines.start === lines.end) continue
      const reading = lines.isCut
        ? UNREADABLE
        : this.#reader.read(lines.bytes, lines.start, lines.end, this.entry)
      this.#count(reading)
      if (reading <= this.#stopsAt || this.#overdue(false)) return true
    }
    return false
  }

  async close(): Promise<void> {
    const bytes = this.#bytes
    if (bytes === null) return
    this.damage = bytes.damage
    this.#consumed = bytes.consumed
    this.#number = this.#lines.number
    this.#bytes = null
    await bytes.close()
  }

  /** Whether there is a request that has waited too long for another line. */
  #overdue(ended: boolean): boolean {
    const reader = this.#reader
    if (reader.overdue === undefined) return false
    for (;;) {
      const reading = reader.overdue(this.entry, ended)
      if (reading === OTHER) return false
      this.#count(reading)
      if (reading <= this.#stopsAt) return true
    }
  }

  #count(reading: Reading): void {
    this.counts[reading]++
    if (reading !== UNREADABLE || this.firstBad !== null) return
    const { bytes, start, end, number, isCut } = this.#lines
    const reason = isCut ? `longer than ${LONGEST_LINE} bytes` : this.#reader.reason
    const text = bytes.toString('utf8', start, Math.min(end, start + SHOWN))
    this.firstBad = { line: number, reason, text }
  }

  /** The format of the first lines. Null for a file without lines. */
  async #detect(): Promise<Format | null> {
    const detector = new Detector(this.#options.paths, this.#options.selection.key)
    await this.#lines.peek(LOOK_AT, (bytes, start, end) => detector.look(bytes, start, end))
    const { format, failure } = detector
    if (format !== null || failure === null) return format
    await this.close()
    const { name } = this.log
    throw logError(`${name}:1`, this.damage === null ? failure : `${failure}; ${name} ${this.damage}`)
  }
}
