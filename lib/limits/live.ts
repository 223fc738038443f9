import { createHash } from 'node:crypto'
import type { LimitsSource, LimitsStats } from '../../types/index.js'
import { parseLimits } from './document.js'
import { inDocument } from './errors.js'
import type { LimitsDocument } from './parsed-document.js'

/** What the limits of a source are put in force on: all of a document or nothing. */
export interface LimitsTarget {
  /** Throws a coded error, and changes nothing, for a document that does not fit the app. */
  put(document: LimitsDocument, version: string): void
}

/** Puts a document in force. `place`: where it lies, for errors. */
export type Apply = Parameters<LimitsSource['start']>[0]

/** The part of a logger that is needed. */
export interface LimitsLog {
  info(text: string): void
  error(details: object, text: string): void
}

/** Characters of a version. */
const VERSION = 12

/** The limits of a source, in force: counts and logs what becomes of its documents. */
export class LiveLimits {
  readonly #source: LimitsSource
  readonly #target: LimitsTarget
  readonly #log: LimitsLog
  #isStarted = false
  /** Whether the source refused to start. Another app may have it in use. */
  #isRefused = false
  #counts = { ok: 0, invalid: 0, unreadable: 0 }
  #version: string | null = null
  #lastError: string | null = null

  constructor(source: LimitsSource, target: LimitsTarget, log: LimitsLog) {
    this.#source = source
    this.#target = target
    this.#log = log
  }

  /** Rejects where the source cannot be read, or its first document is not allowed. */
  async start(): Promise<void> {
    try {
      await this.#source.start(
        (text, place) => this.#apply(text, place),
        (error) => this.#report(error),
      )
      this.#isStarted = true
    } catch (error) {
      this.#isRefused = true
      throw error
    }
  }

  stop(): void {
    if (!this.#isRefused) this.#source.stop()
  }

  stats(): LimitsStats {
    return { ...this.#counts, version: this.#version, lastError: this.#lastError }
  }

  #apply(text: string, place?: string): void {
    const version = versionOf(text)
    if (version === this.#version) return this.#unchanged()
    try {
      this.#target.put(parseLimits(text), version)
    } catch (error) {
      this.#counts.invalid++
      if (place !== undefined) inDocument(error as Error, place)
      this.#lastError = (error as Error).message
      if (!this.#isStarted) throw error
      this.#log.error({ err: error }, 'new limits are not allowed: those in force stay')
      return
    }
    this.#counts.ok++
    this.#version = version
    this.#lastError = null
    this.#log.info(`limits in force: version ${version}`)
  }

  /** The document in force can be read again, after a failure or for a source that delivers it twice. */
  #unchanged(): void {
    if (this.#lastError === null) return
    this.#lastError = null
    this.#log.info(`limits in force: version ${this.#version}`)
  }

  /** Logs a failure once, until a document can be read again or the failure is another one. */
  #report(error: Error): void {
    this.#counts.unreadable++
    if (this.#lastError === error.message) return
    this.#lastError = error.message
    this.#log.error({ err: error }, 'limits cannot be read: those in force stay')
  }
}

/** A name for the content of a document: the same in all processes that have it in force. */
export function versionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, VERSION)
}
