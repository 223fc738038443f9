import type { Fleet, FleetMember, FleetNews, FleetNote, FleetSeat } from '../../../types/index.js'
import type { LimitsLog } from '../../limits/index.js'
import { dateOf, wallMicros } from '../../store/index.js'
import type { ChangeLog } from '../config/change-log.js'
import type { Changes, Update } from '../config/changes.js'
import type { OverrideList, WholeOverride } from '../config/override-list.js'
import {
  type Block,
  blockOf,
  type Note,
  nameOf,
  readSubject,
  type Subject,
  subjectOf,
  writeBlock,
  writeOverride,
  writeUpdate,
} from './texts.js'

export interface FleetParts {
  readonly changes: Changes
  readonly overrides: OverrideList
  readonly log: ChangeLog
  /** What other processes are told of this one. */
  readonly report: () => string
  readonly logger: LimitsLog
}

/** Characters of an override and an update beside their policies, at the most. */
const ROOM = 1500

/** Carries what is changed by hand to all processes, and puts in force here what is changed there. */
export class FleetChanges implements FleetMember {
  readonly #parts: FleetParts
  readonly #seat: FleetSeat
  /** What is in force for limiters that are not known here, by subject. */
  readonly #strange = new Map<string, string>()

  constructor(fleet: Fleet, parts: FleetParts) {
    this.#parts = parts
    this.#seat = fleet.join(this)
  }

  start(): Promise<void> {
    return this.#seat.start()
  }

  stop(): void {
    this.#seat.stop()
  }

  /** Throws where a change would be too large for the fleet, so that nothing is changed. */
  check(key: string, policies: unknown): void {
    this.#seat.check(ROOM + 2 * sizeOf([key, policies]))
  }

  update(update: Update | null, note: Note): void {
    const text = update === null ? null : writeUpdate(note.limiter, update)
    this.#put(note, text, Number.POSITIVE_INFINITY)
  }

  override(override: WholeOverride | null, note: Note): void {
    const { limiter, key } = note
    const text = override === null ? null : writeOverride(limiter, key as string, override)
    this.#put(note, text, override?.until ?? Number.POSITIVE_INFINITY)
  }

  /** The store itself sees to the key; others must know of it where their laws are others, now or later. */
  block(note: Note, ms: number, laws: string): void {
    const { limiter, key } = note
    const until = Math.round(this.#seat.now() + ms)
    const text = writeBlock(limiter, key as string, { until, laws })
    if (this.#hasRoom(text.length + ROOM))
      this.#seat.put(blockOf(limiter, key as string), text, JSON.stringify(note), until)
    else this.#seat.note(JSON.stringify({ ...note, ms, laws }))
  }

  /** The same; it ends a block. */
  reset(note: Note, laws: string, ms: number): void {
    const { limiter, key } = note
    const text = JSON.stringify({ ...note, laws, ms })
    this.#seat.put(blockOf(limiter, key as string), null, text, Number.POSITIVE_INFINITY)
  }

  #hasRoom(size: number): boolean {
    try {
      this.#seat.check(size)
      return true
    } catch {
      return false
    }
  }

  reports(): readonly string[] {
    return this.#seat.reports()
  }

  /** A limiter is known from now on. */
  added(name: string): void {
    for (const text of [...this.#strange.values()])
      this.#try(() => {
        const subject = readSubject(text)
        if (subject.limiter === name) this.#apply(subject, text)
      })
  }

  hear({ changes, notes }: FleetNews): void {
    // An update blocks again what is blocked, so what was reset meanwhile must be known.
    const last = new Map<string, () => void>()
    for (const { text, at, ...moment } of notes)
      this.#try(() => {
        const note: Note = JSON.parse(text)
        this.#list(note, at)
        last.set(subjectOf(note.limiter, note.key), () => this.#hearNote(note, moment))
      })
    for (const hear of last.values()) this.#try(hear)
    const overrides: (() => void)[] = []
    const blocks: (() => void)[] = []
    for (const { before, after } of changes) {
      this.#try(() => {
        const subject = readSubject((after ?? before) as string)
        const apply = () => this.#apply(subject, after)
        // The law of an override has the name that updates give to the policy. Blocks are for laws in force.
        if ('update' in subject) apply()
        else if ('override' in subject) overrides.push(apply)
        else blocks.push(apply)
      })
    }
    for (const apply of [...overrides, ...blocks]) this.#try(apply)
  }

  report(): string {
    return this.#parts.report()
  }

  onLoss(): void {
    for (const [, { member }] of this.#parts.changes) member.limiter.onLoss()
  }

  onFailure(error: Error | null): void {
    const { logger } = this.#parts
    if (error === null) logger.info('changes by hand reach the other processes again, and this one')
    else logger.error({ err: error }, error.message)
  }

  #put(note: Note, text: string | null, until: number): void {
    this.#seat.put(subjectOf(note.limiter, note.key), text, JSON.stringify(note), until)
  }

  /** `text`: what is in force for the subject now. Null: what is below it. */
  #apply(subject: Subject, text: string | null): void {
    const { changes, overrides } = this.#parts
    const { limiter } = subject
    const id = nameOf(subject)
    this.#strange.delete(id)
    if (!changes.has(limiter)) {
      if (text !== null) this.#strange.set(id, text)
      return
    }
    if ('update' in subject) changes.put(limiter, text === null ? null : subject.update)
    else if ('block' in subject) this.#applyBlock(subject, text === null)
    else if (text === null) overrides.end(limiter, subject.key)
    else if (subject.override.until > wallMicros() / 1000)
      overrides.put(limiter, subject.key, subject.override)
  }

  /** `hasEnded`: before its time, by a reset whose note may not have come. */
  #applyBlock({ limiter: name, key, block }: Extract<Subject, { block: Block }>, hasEnded: boolean): void {
    const left = block.until - this.#seat.now()
    if (left <= 0) return
    const { limiter } = this.#parts.changes.of(name).member
    if (hasEnded) limiter.hearReset(key, 0, block.laws)
    else limiter.hearBlock(key, left, block.laws)
  }

  #list({ ms: _, laws: __, ...change }: Note, at: number): void {
    this.#parts.log.add({ at: dateOf(at), ...change })
  }

  #hearNote(
    { verb, limiter: name, key, ms = 0, laws = '' }: Note,
    { age, isPast }: Pick<FleetNote, 'age' | 'isPast'>,
  ): void {
    const { changes } = this.#parts
    if (key === null || !changes.has(name)) return
    const { limiter } = changes.of(name).member
    if (verb === 'block' && ms > age) limiter.hearBlock(key, ms - age, laws)
    if (verb !== 'reset') return
    // What the key has now it may have got after a reset that is long past.
    if (!isPast) limiter.hearReset(key, age, laws)
    if (ms > age) limiter.hearLifted(key, ms - age)
  }

  /** What a process of another version says may not be allowed here. The rest of it holds. */
  #try(apply: () => void): void {
    try {
      apply()
    } catch (error) {
      this.#parts.logger.error(
        { err: error },
        'a change by another process cannot be put in force here: what was in force stays',
      )
    }
  }
}

/** Characters of a value as JSON. 0 where it is none, such as a BigInt: it is refused for what it is. */
function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value).length
  } catch {
    return 0
  }
}
