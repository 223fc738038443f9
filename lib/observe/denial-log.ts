/** Milliseconds from one line of a limiter to the next. */
const PAUSE = 60_000

export interface LogSettings {
  /** Writes a line: so many denials of a limiter, in so many seconds; null for its first denial. */
  readonly write: (limiter: string, denials: number, seconds: number | null) => void
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
}

/**
 * Logs that a limiter denies: its first denial, and then at most one line a minute, with a count. It has no
 * timer: what was not logged comes with a later denial, or at the end.
 */
export class DenialLog {
  readonly #limiter: string
  readonly #settings: LogSettings
  /** How many denials no line counts yet. */
  #denials = 0
  /** When the last line was written. */
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(limiter: string, settings: LogSettings) {
    this.#limiter = limiter
    this.#settings = settings
  }

  add(): void {
    this.#denials++
    const now = this.#settings.now()
    if (now - this.#loggedAt >= PAUSE) this.#write(now)
  }

  /** Logs the denials that no line counts yet. */
  flush(): void {
    if (this.#denials > 0) this.#write(this.#settings.now())
  }

  #write(now: number): void {
    const elapsed = now - this.#loggedAt
    const seconds = elapsed === Number.POSITIVE_INFINITY ? null : Math.round(elapsed / 1000)
    const denials = this.#denials
    this.#denials = 0
    this.#loggedAt = now
    this.#settings.write(this.#limiter, denials, seconds)
  }
}
