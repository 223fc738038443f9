import type { Fleet, FleetMember, FleetSeat } from '../../../../types/fleet.js'
import { after, wallMicros } from '../../clock.js'
import { askRedis, within } from '../clients/ask.js'
import type { Connection } from '../clients/connection.js'
import { digestWith } from '../digest.js'
import { fleetFailure } from '../errors.js'
import { decode, type Entry, type ExchangeCall, type ExchangeReply, encode, NO_VERSION } from './exchange.js'
import { FreedNames } from './freed-names.js'
import { Mirror } from './mirror.js'
import { Outbox } from './outbox.js'
import { Presence } from './presence.js'
import { EXCHANGE, fleetKeys, RESTORE } from './script.js'
import { sealWith } from './seal.js'
import { hasEnded, Seat } from './seat.js'

/** Milliseconds between two exchanges, and until Redis must have answered: a state may have megabytes. */
const PAUSE = 1000
const TIMEOUT = 5000
/** Milliseconds for which an app waits at most when it starts, and when it closes. */
const SHORT_TIMEOUT = 1000
/** Milliseconds for which what is to be sent is gathered. */
const GATHER = 20
/** Most fields of one exchange that ended by themselves, and milliseconds until they are looked for again. */
const MOST_ENDED = 1000
const SWEEP = 60_000
/** Milliseconds until what failed is tried again, so many times in a row. Then it has the usual pause. */
const RETRY = 250
const MOST_RETRIES = 8
/** Failures in a row after which they are reported, also where nothing waits to be sent. */
const MANY_FAILURES = 10

export interface FleetParts {
  readonly connection: Connection
  readonly prefix: string
  readonly secret: string | Buffer | undefined
  /** Forgets what is remembered here of the keys of these names. */
  readonly forget: (names: readonly string[]) => void
  readonly forgetAll: () => void
}

/**
 * What the processes of a prefix have in common: the changes that operators made, which keys they reset or
 * blocked, and which processes there are. It is state in Redis, and each process reads what is new in it once
 * a second. So a process that was cut off needs nothing but its next reading.
 */
export class RedisFleet implements Fleet {
  readonly #parts: FleetParts
  readonly #keys: readonly string[]
  readonly #later: typeof after
  readonly #seats: Seat[] = []
  readonly #mirror = new Mirror()
  readonly #outbox = new Outbox()
  readonly #freed: FreedNames
  readonly #presence = new Presence()
  readonly #office: ConstructorParameters<typeof Seat>[2]
  #running: Promise<boolean> | null = null
  #cancel: (() => void) | null = null
  /** Whether the next exchange is a matter of milliseconds. */
  #isHurried = false
  #isClosed = false
  #failures = 0
  /** In milliseconds since 1970. */
  #nextSweep = 0
  #reported: string | null = null
  /** Microseconds by which the clock of the server is ahead of ours. */
  #ahead = 0

  constructor(parts: FleetParts, later = after) {
    this.#parts = parts
    this.#later = later
    this.#freed = new FreedNames(parts.connection.isCluster)
    this.#keys = fleetKeys(parts.prefix)
    this.#office = {
      digest: digestWith(parts.secret),
      seal: sealWith(parts.secret),
      size: () => this.#mirror.size,
      start: (seat) => this.#start(seat),
      send: (entry) => this.#send(entry),
      now: () => this.#serverMicros(),
      reports: (seat) => {
        if (this.#presence.ask()) this.#hurry()
        return this.#presence.of(seat)
      },
      stop: (seat) => this.#presence.leave(seat),
    }
  }

  join(member: FleetMember): FleetSeat {
    const seat = new Seat(this.#seats.length, member, this.#office)
    this.#seats.push(seat)
    return seat
  }

  /** Other processes must forget what they remember of a key: those that listen, as registrations do. */
  free(name: string): void {
    this.#freed.add(name)
    this.#hurry()
  }

  /** Sends what waits. Where no registration is left, nothing goes on. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#waits || this.#presence.isLeaving) await this.#now()
    if (this.#started.length > 0) return
    this.#cancel?.()
    this.#cancel = null
  }

  /** Whether anything waits to be sent. */
  get #waits(): boolean {
    return !this.#outbox.isEmpty || !this.#freed.isEmpty
  }

  get #started(): Seat[] {
    return this.#seats.filter(({ isStarted }) => isStarted)
  }

  async #start(seat: Seat): Promise<void> {
    const known = [...this.#mirror.shared].map(([field, after]) => ({ field, before: null, after }))
    seat.hear(known, [], 0)
    await this.#now()
  }

  #send(entry: Entry): void {
    this.#mirror.set(entry)
    this.#outbox.add(entry)
    this.#hurry()
  }

  #hurry(): void {
    if (this.#isHurried) return
    this.#isHurried = true
    if (this.#running === null) this.#plan(GATHER)
  }

  #plan(ms: number): void {
    this.#cancel?.()
    this.#cancel = this.#later(ms, () => this.#run())
  }

  /** Exchanges at once, after the exchange that is under way. It may go on when this resolves. */
  async #now(): Promise<void> {
    const exchanged = (this.#running ?? Promise.resolve()).then(() => this.#run())
    await within(SHORT_TIMEOUT, exchanged, () => {}).catch(() => {})
  }

  async #run(): Promise<void> {
    this.#cancel?.()
    this.#cancel = null
    this.#isHurried = false
    this.#running ??= this.#exchange()
    const isWell = await this.#running
    this.#running = null
    const goesOn = this.#started.length > 0 || (this.#waits && !this.#isClosed)
    const soon = isWell ? this.#isHurried : this.#failures <= MOST_RETRIES
    if (goesOn) this.#plan(soon ? (isWell ? GATHER : RETRY) : PAUSE)
  }

  /** Resolves to whether it succeeded. */
  async #exchange(): Promise<boolean> {
    const sent = this.#outbox.first()
    const started = this.#started
    const question: ExchangeCall = {
      known: started.length > 0 || sent.length > 0 ? this.#mirror.version.stamp : null,
      entries: sent,
      ended: sent.length > 0 ? this.#ended() : [],
      ...this.#freed.take(),
      asks: this.#presence.asks,
      reports: this.#presence.report(started),
    }
    try {
      const answer = decode(await this.#ask(EXCHANGE, this.#keys, encode(question)))
      await this.#read(answer, question)
      this.#onSuccess()
      return true
    } catch (error) {
      this.#freed.giveBack(question)
      this.#onFailure(error as Error)
      return false
    }
  }

  async #read(answer: ExchangeReply, question: ExchangeCall): Promise<void> {
    const { entries: sent, ended, reports } = question
    this.#ahead = answer.now - wallMicros()
    for (const seat of this.#started) seat.meet(answer.now)
    const names = this.#freed.read(answer, question)
    if (names === 'all') this.#parts.forgetAll()
    else if (names.length > 0) this.#parts.forget(names)
    if (this.#presence.read(answer, reports)) this.#hurry()
    if (answer.how === 'lost') {
      this.#hurry()
      await this.#restore(answer)
      for (const seat of this.#started) seat.onLoss()
      return
    }
    this.#outbox.remove(sent)
    if (!this.#outbox.isEmpty) this.#hurry()
    for (const field of ended) this.#mirror.drop(field)
    if (answer.how === 'same') return
    const changes = this.#mirror.takeOver(answer, sent)
    for (const seat of this.#started) seat.hear(changes, answer.entries, answer.now)
  }

  /** Gives Redis what it lost, unless nothing is in force. */
  async #restore({ version }: ExchangeReply): Promise<void> {
    const { stamp, born } = this.#mirror.version
    const fields = [...this.#mirror.shared].filter(
      ([, value]) => !hasEnded(value, this.#serverMicros() / 1000),
    )
    if (version.stamp === '' && fields.length === 0) this.#mirror.version = NO_VERSION
    else await this.#ask(RESTORE, this.#keys, [stamp, born, ...fields.flat()])
  }

  /** Fields whose values have ended by themselves, once in a while. */
  #ended(): string[] {
    const now = this.#serverMicros() / 1000
    const { shared } = this.#mirror
    if (shared.size === 0 || now < this.#nextSweep) return []
    this.#nextSweep = now + SWEEP
    const ended = [...shared].filter(([, value]) => hasEnded(value, now))
    return ended.slice(0, MOST_ENDED).map(([field]) => field)
  }

  #serverMicros(): number {
    return wallMicros() + this.#ahead
  }

  #ask(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return askRedis(this.#parts.connection, script, keys, args, TIMEOUT)
  }

  #onSuccess(): void {
    this.#failures = 0
    if (this.#reported === null) return
    this.#reported = null
    for (const seat of this.#seats) seat.onFailure(null)
  }

  /** Reports a failure that matters, once, until it is over or another one. */
  #onFailure(cause: Error): void {
    this.#failures++
    const error = fleetFailure(cause)
    if (this.#reported === error.message) return
    if (this.#outbox.isEmpty && this.#failures < MANY_FAILURES) return
    this.#reported = error.message
    for (const seat of this.#seats) seat.onFailure(error)
  }
}
