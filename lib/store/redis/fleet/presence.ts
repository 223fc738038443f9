import { processMicros } from '../../clock.js'
import type { ExchangeReply } from './exchange.js'
import type { Seat } from './seat.js'

/** Microseconds for which a process goes on asking after it was asked. */
const ASKING = 10_000_000

/** Which processes there are. Nothing is reported while no process asks. */
export class Presence {
  readonly #now: () => number
  #asksUntil = 0
  #isAsked = false
  #reports: ReadonlyMap<string, string> = new Map()
  /** Reports to take back, because their seats were left. */
  readonly #leaving = new Set<string>()

  constructor(now = processMicros()) {
    this.#now = now
  }

  get asks(): boolean {
    return this.#now() < this.#asksUntil
  }

  get isLeaving(): boolean {
    return this.#leaving.size > 0
  }

  /** Asks for reports from now on. Returns whether nobody did here before. */
  ask(): boolean {
    const isFirst = !this.asks
    // What was heard before may be long over.
    if (isFirst) this.#reports = new Map()
    this.#asksUntil = this.#now() + ASKING
    return isFirst
  }

  /** The reports of the other processes that have a seat of that number. */
  of(seat: Seat): string[] {
    const others = [...this.#reports].filter(([id]) => id !== seat.id && id.startsWith(`${seat.number} `))
    return others.map(([, report]) => report)
  }

  /** What to send: the reports of seats, where anybody asks. */
  report(seats: Iterable<Seat>): ReadonlyMap<string, string> {
    const reports = new Map([...this.#leaving].map((id) => [id, '']))
    if (this.#isAsked) for (const seat of seats) reports.set(seat.id, seat.report())
    return reports
  }

  leave({ id }: Seat): void {
    if (this.#isAsked) this.#leaving.add(id)
  }

  /** Reads the reply. Returns whether reports are asked for that were not before. */
  read({ isAsked, reports }: ExchangeReply, sent: ReadonlyMap<string, string>): boolean {
    for (const [id, report] of sent) if (report === '') this.#leaving.delete(id)
    const isNew = isAsked && !this.#isAsked
    this.#isAsked = isAsked
    this.#reports = reports
    return isNew
  }
}
