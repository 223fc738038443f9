import { ENTRY } from './script.js'

/** A change on its way: what the script writes into the state and into the log. */
export interface Entry {
  /** The name of a subject, or of a seat where there is only a note. */
  readonly field: string
  readonly value: string
  readonly note: string
}

/** What a process knows of the state: the time of the last change, and of the first. */
export interface Version {
  readonly stamp: string
  readonly born: string
}

export const NO_VERSION: Version = { stamp: '', born: '' }

/** What a process says once a second. */
export interface ExchangeCall {
  /** The stamp of the last change that is known, '' for none. Null where nobody here follows the state. */
  readonly known: string | null
  readonly entries: readonly Entry[]
  /** Fields whose values have ended by themselves. */
  readonly ended: readonly string[]
  /** Names of keys that were reset or blocked. 'many': more than can be said. */
  readonly names: ReadonlySet<string> | 'many'
  /** The number of names that were ever sent, as it is known. */
  readonly count: string
  readonly asks: boolean
  /** By id. '' where somebody leaves. */
  readonly reports: ReadonlyMap<string, string>
}

export interface LoggedEntry extends Entry {
  /** Microseconds of the server. */
  readonly stamp: number
}

/** What the script replies. */
export interface ExchangeReply {
  /**
   * 'same': nothing has changed. 'some': `entries` are all that did. 'all': `fields` are the whole state.
   * 'lost': the server knows less than this process, and nothing was written to the state.
   */
  readonly how: 'same' | 'some' | 'all' | 'lost'
  /** Microseconds of the server. */
  readonly now: number
  readonly version: Version
  readonly fields: ReadonlyMap<string, string>
  readonly entries: readonly LoggedEntry[]
  readonly count: string
  readonly names: readonly string[] | 'all'
  /** Whether any process asks for reports. */
  readonly isAsked: boolean
  readonly reports: ReadonlyMap<string, string>
}

/** More names than are ever remembered. */
const MANY = '1000000'

export function encode(question: ExchangeCall): string[] {
  const { known, entries, ended, names, count, asks, reports } = question
  const said = names === 'many' ? [MANY, '0'] : [String(names.size), String(names.size), ...names]
  return [
    known ?? '-',
    String(entries.length),
    ...entries.flatMap(({ field, value, note }) => [field, value, note]),
    String(ended.length),
    ...ended,
    ...said,
    count,
    asks ? '1' : '0',
    String(reports.size),
    ...[...reports].flat(),
  ]
}

/** Throws for what no script replies, such as the QUEUED of a MULTI. */
export function decode(reply: unknown): ExchangeReply {
  if (!Array.isArray(reply) || reply.length !== 11) throw new Error('no reply of the script')
  const [how, now, stamp, born, fields, changes, count, all, names, asked, reports] = reply
  const texts = (list: unknown): string[] => (list as unknown[]).map(String)
  const logged = texts(changes)
  const entries: LoggedEntry[] = []
  for (let i = 0; i < logged.length; i += ENTRY) {
    const [stamp, field, value, note] = logged.slice(i, i + ENTRY)
    entries.push({ stamp: Number(stamp), field, value, note })
  }
  return {
    how: String(how) as ExchangeReply['how'],
    now: Number(now),
    version: { stamp: String(stamp), born: String(born) },
    fields: new Map([...pairs(texts(fields))].filter(([field]) => !field.startsWith('#'))),
    entries,
    count: String(count),
    names: String(all) === 'all' ? 'all' : texts(names),
    isAsked: String(asked) !== '',
    reports: pairs(texts(reports)),
  }
}

function pairs(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>()
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1])
  return map
}
