import type { Entry } from './exchange.js'

/** Most entries of one exchange. */
const MOST_SENT = 200
/** Entries that wait, from which on only the last one of each subject is kept. */
const MANY = 1000

/** Changes of this process that Redis does not have yet, the oldest first. */
export class Outbox {
  #entries: Entry[] = []
  #many = MANY

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    if (this.#entries.length < this.#many) return
    this.#compact()
    this.#many = Math.max(MANY, 2 * this.#entries.length)
  }

  first(): readonly Entry[] {
    return this.#entries.slice(0, MOST_SENT)
  }

  remove(sent: readonly Entry[]): void {
    const gone = new Set(sent)
    this.#entries = this.#entries.filter((entry) => !gone.has(entry))
  }

  /** Redis may be away for days, and programs change limits, too. */
  #compact(): void {
    const last = new Map(this.#entries.map((entry) => [entry.field, entry]))
    this.#entries = this.#entries.filter((entry) => last.get(entry.field) === entry)
  }
}
