import { randomUUID } from 'node:crypto'
import type { FleetMember, FleetNews, FleetSeat } from '../../../../types/fleet.js'
import { invalidOption } from '../../../policy/index.js'
import { GenerationalMap } from '../../generational-map.js'
import type { Digest } from '../digest.js'
import type { Entry, LoggedEntry } from './exchange.js'
import type { FieldChange } from './mirror.js'
import { ENDED, NOTE_ONLY } from './script.js'
import type { Seal } from './seal.js'

/** Characters of one text, and of all that is in force. */
const LONGEST_TEXT = 16 * 1024
const MOST_TEXT = 10 * 1024 * 1024
/** Notes that are remembered, so that one that comes twice is heard once: at least half of them. */
const NOTES = 2000

/** What a seat needs of the fleet. */
export interface SeatOffice {
  readonly digest: Digest
  readonly seal: Seal
  /** Characters of all that is in force. */
  readonly size: () => number
  readonly start: (seat: Seat) => Promise<void>
  readonly send: (entry: Entry) => void
  /** Microseconds since 1970 by the server's clock. */
  readonly now: () => number
  readonly reports: (seat: Seat) => readonly string[]
  readonly stop: (seat: Seat) => void
}

/** The place of one registration: it knows how its subjects and texts are written. */
export class Seat implements FleetSeat {
  /** How many joined before. It is the same in all processes. */
  readonly number: number
  /** Names the seat among those of all processes. */
  readonly id: string
  readonly #office: SeatOffice
  readonly #member: FleetMember
  /** Ids of notes that were heard. */
  readonly #heard = new GenerationalMap<true>(NOTES)
  readonly #name = randomUUID()
  #notes = 0
  /** When this seat heard of the state for the first time, in microseconds of the server. */
  #since = 0
  isStarted = false

  constructor(number: number, member: FleetMember, office: SeatOffice) {
    this.number = number
    this.#member = member
    this.#office = office
    this.id = `${number} ${this.#name}`
  }

  start(): Promise<void> {
    this.isStarted = true
    return this.#office.start(this)
  }

  check(size: number): void {
    if (size > LONGEST_TEXT)
      throw invalidOption('policy', `of ${size} characters`, `at most ${LONGEST_TEXT}, the key included`)
    if (this.#office.size() + size > MOST_TEXT)
      throw invalidOption('policy', 'one more', `at most ${MOST_TEXT} characters in force in all processes`)
  }

  put(subject: string, text: string | null, note: string, until: number): void {
    const { digest, seal } = this.#office
    const end = until === Number.POSITIVE_INFINITY ? '' : String(until)
    const value = text === null ? ENDED : `${end}:${seal.close(text)}`
    this.#send(`${this.number} ${digest(subject)}`, value, note)
  }

  now(): number {
    return this.#office.now() / 1000
  }

  note(note: string): void {
    if (note.length <= LONGEST_TEXT) this.#send(String(this.number), NOTE_ONLY, note)
  }

  reports(): readonly string[] {
    return this.#office
      .reports(this)
      .map((report) => this.#open(report))
      .filter((report) => report !== null)
  }

  stop(): void {
    this.isStarted = false
    this.#office.stop(this)
  }

  report(): string {
    return this.#office.seal.close(this.#member.report())
  }

  onLoss(): void {
    this.#member.onLoss()
  }

  onFailure(error: Error | null): void {
    this.#member.onFailure(error)
  }

  /** Whether a field belongs to it. */
  owns(field: string): boolean {
    return Number.parseInt(field, 10) === this.number
  }

  /** The server answered: at `now`, in its microseconds. */
  meet(now: number): void {
    if (this.#since === 0) this.#since = now
  }

  /** Passes on what belongs to this seat. `now` in microseconds of the server. */
  hear(changes: readonly FieldChange[], entries: readonly LoggedEntry[], now: number): void {
    const news: FleetNews = {
      changes: changes.flatMap(({ field, before, after }) => {
        if (!this.owns(field)) return []
        const change = { before: this.#textOf(before), after: this.#textOf(after) }
        // What cannot be read must not end what is in force.
        return after !== null && change.after === null ? [] : [change]
      }),
      notes: entries.flatMap(({ field, note, stamp }) => {
        const text = this.owns(field) ? this.#textOfNote(note) : null
        if (text === null) return []
        const age = Math.max(0, now - stamp) / 1000
        return [{ text, at: stamp / 1000, age, isPast: stamp <= this.#since }]
      }),
    }
    if (news.changes.length > 0 || news.notes.length > 0) this.#member.hear(news)
  }

  #send(field: string, value: string, note: string): void {
    const id = `${this.#name}.${this.#notes++}`
    this.#heard.set(id, true)
    this.#office.send({ field, value, note: `${id}:${this.#office.seal.close(note)}` })
  }

  /** The text of a note that was not heard yet. */
  #textOfNote(note: string): string | null {
    const [id, sealed] = split(note)
    if (this.#heard.get(id) === true) return null
    this.#heard.set(id, true)
    return this.#open(sealed)
  }

  #textOf(value: string | null): string | null {
    return value === null ? null : this.#open(split(value)[1])
  }

  /** Null for what was closed with another secret, or by nobody. */
  #open(sealed: string): string | null {
    try {
      return this.#office.seal.open(sealed)
    } catch {
      return null
    }
  }
}

/** Whether a value has ended by itself, for a minute: clocks of processes differ. `now` in milliseconds. */
export function hasEnded(value: string, now: number): boolean {
  const [until] = split(value)
  return until !== '' && Number(until) + 60_000 < now
}

/** The parts before and after the first colon. */
function split(text: string): [string, string] {
  const colon = text.indexOf(':')
  return [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)]
}
