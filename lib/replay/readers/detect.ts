import { show } from '../../policy/index.js'
import { type FieldPaths, JsonReader, parseObject } from './json.js'
import { LEFT_OUT, newEntry, REQUEST, type Reader, type Reading } from './line.js'
import { isObject } from './path.js'
import { PinoReader } from './pino.js'
import { Selection, type SelectionOptions } from './selection.js'
import { TextReader } from './text.js'

export type Format = 'combined' | 'common' | 'pino' | 'json'
export const FORMATS: readonly Format[] = ['combined', 'common', 'pino', 'json']

/** Lines of a file that detection looks at. */
export const LOOK_AT = 100

/** Any request, by IP. */
const ANY: SelectionOptions = { key: 'ip', ipv6Prefix: 64, where: [], statuses: null, cost: 1 }

/** A reader of a format. Both text formats have the same: the combined one begins as the common one. */
export function readerOf(format: Format, options: SelectionOptions, paths: FieldPaths): Reader {
  const selection = new Selection(options)
  if (format === 'pino') return new PinoReader(selection, paths, options.key)
  return format === 'json' ? new JsonReader(selection, paths, options.key) : new TextReader(selection)
}

/** Finds out the format of a file from some of its lines. */
export class Detector {
  readonly #text = new TextReader(new Selection(ANY))
  readonly #json: JsonReader
  readonly #entry = newEntry()
  #first: string | null = null
  readonly #votes: Record<Format, number> = { combined: 0, common: 0, pino: 0, json: 0 }

  constructor(paths: FieldPaths, key: string) {
    this.#json = new JsonReader(new Selection({ ...ANY, key }), paths, key)
  }

  look(bytes: Buffer, start: number, end: number): void {
    if (start === end) return
    this.#first ??= bytes.toString('utf8', start, end)
    if (isRequest(this.#text.read(bytes, start, end, this.#entry)))
      this.#votes[this.#text.isCombined ? 'combined' : 'common']++
    const object = parseObject(bytes, start, end)
    if (object === null) return
    if (object.reqId !== undefined && (isObject(object.req) || isObject(object.res))) this.#votes.pino++
    else if (isRequest(this.#json.read(bytes, start, end, this.#entry))) this.#votes.json++
  }

  /** The format of most lines, or null where no line has any. */
  get format(): Format | null {
    const best = FORMATS.reduce((a, b) => (this.#votes[b] > this.#votes[a] ? b : a))
    return this.#votes[best] === 0 ? null : best
  }

  /** Why no line has a format, for people. Null where there was no line. */
  get failure(): string | null {
    if (this.#first === null) return null
    const object = parseObject(Buffer.from(this.#first), 0, Buffer.byteLength(this.#first))
    if (object === null)
      return `no request in a format that is known: ${show(this.#first)}; allowed: ${FORMATS.join(', ')}`
    const names = Object.keys(object).slice(0, NAMES_SHOWN).map(show).join(', ')
    return `no line of the first ${LOOK_AT} has a time and a client by a name that is known; name them with the options time, ip or key, or, for the log of a Fastify application, the format 'pino'. The first line has ${names}`
  }
}

/** Most names of fields that an error shows. */
const NAMES_SHOWN = 12

function isRequest(reading: Reading): boolean {
  return reading === REQUEST || reading === LEFT_OUT
}
