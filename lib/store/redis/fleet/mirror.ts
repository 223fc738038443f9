import { type Entry, type ExchangeReply, type LoggedEntry, NO_VERSION, type Version } from './exchange.js'
import { ENDED, NOTE_ONLY } from './script.js'

/** A field whose value is another one than before. */
export interface FieldChange {
  readonly field: string
  readonly before: string | null
  readonly after: string | null
}

/** The state as it is in force here: what Redis has, and on top what it does not have yet. */
export class Mirror {
  /** Of what Redis has. */
  version: Version = NO_VERSION
  readonly #shared = new Map<string, string>()
  /** Values that are not written yet, `ENDED` where a field is to end. */
  readonly #unsent = new Map<string, string>()
  /** Characters of all values in Redis. */
  #size = 0

  get size(): number {
    return this.#size
  }

  /** What Redis has, or had before it lost it. */
  get shared(): ReadonlyMap<string, string> {
    return this.#shared
  }

  get(field: string): string | null {
    const unsent = this.#unsent.get(field)
    return unsent === undefined ? (this.#shared.get(field) ?? null) : unsent === ENDED ? null : unsent
  }

  /** Notes a change of this process, which is in force here already. */
  set({ field, value }: Entry): void {
    if (value !== NOTE_ONLY) this.#unsent.set(field, value)
  }

  /** Takes over what Redis has now, with the entries in `sent`. Returns the fields that are others here. */
  takeOver({ how, version, fields, entries }: ExchangeReply, sent: readonly Entry[]): FieldChange[] {
    const changed = how === 'all' ? new Set([...this.#shared.keys(), ...fields.keys()]) : fieldsOf(entries)
    for (const { field } of sent) changed.add(field)
    const before = [...changed].map((field) => [field, this.get(field)] as const)
    if (how === 'all') for (const field of changed) this.#write(field, fields.get(field) ?? ENDED)
    else for (const { field, value } of entries) this.#write(field, value)
    for (const { field, value } of sent) if (this.#unsent.get(field) === value) this.#unsent.delete(field)
    this.version = version
    return before
      .map(([field, before]) => ({ field, before, after: this.get(field) }))
      .filter(({ before, after }) => before !== after)
  }

  /** Forgets a value that has ended by itself. */
  drop(field: string): void {
    this.#write(field, ENDED)
  }

  #write(field: string, value: string): void {
    if (value === NOTE_ONLY) return
    this.#size += value.length - (this.#shared.get(field)?.length ?? 0)
    if (value === ENDED) this.#shared.delete(field)
    else this.#shared.set(field, value)
  }
}

function fieldsOf(entries: readonly LoggedEntry[]): Set<string> {
  return new Set(entries.filter(({ value }) => value !== NOTE_ONLY).map(({ field }) => field))
}
