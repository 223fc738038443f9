import { parseTime } from '../time.js'
import { type Entry, type Line, OTHER, type Reader, type Reading, UNREADABLE } from './line.js'
import { isObject, Path, textOf } from './path.js'
import type { Selection } from './selection.js'

/** Where fields lie that a user has named, by field. */
export interface FieldPaths {
  readonly time?: string
  readonly ip?: string
  readonly route?: string
  readonly status?: string
  /** A path, and the microseconds of its unit. */
  readonly duration?: { readonly path: string; readonly unit: number }
}

/** The names that servers and proxies give to these fields. */
const KNOWN = {
  time: ['time', 'timestamp', '@timestamp', 'ts', 'time_iso8601', 'time_local', 'date'],
  ip: [
    'ip',
    'remote_addr',
    'remoteAddress',
    'client_ip',
    'remote_ip',
    'clientip',
    'request.client_ip',
    'request.remote_ip',
    'req.remoteAddress',
    'req.ip',
    'client.ip',
    'ClientHost',
  ],
  status: ['status', 'statusCode', 'status_code', 'res.statusCode', 'response.status', 'DownstreamStatus'],
  method: ['method', 'request_method', 'req.method', 'request.method', 'RequestMethod'],
  url: ['url', 'uri', 'request_uri', 'path', 'req.url', 'request.uri', 'RequestPath'],
}

/** The fields of a line that is an object of JSON: those that have names, and any other by its path. */
export class JsonLine implements Line {
  status = 0
  /** The object, and another one that has what the first lacks. */
  object: Record<string, unknown> = {}
  other: Record<string, unknown> | null = null
  readonly #time: Path
  readonly #duration: Path | null
  readonly #unit: number
  readonly #route: Path | null
  readonly #named: ReadonlyMap<string, Path>
  readonly #paths = new Map<string, Path>()

  constructor({ time, ip, route, status, duration }: FieldPaths) {
    const pathOf = (given: string | undefined, known: readonly string[]) =>
      new Path(given === undefined ? known : [given])
    this.#time = pathOf(time, KNOWN.time)
    this.#duration = duration === undefined ? null : new Path([duration.path])
    this.#unit = duration?.unit ?? 0
    this.#route = route === undefined ? null : new Path([route])
    this.#named = new Map([
      ['ip', pathOf(ip, KNOWN.ip)],
      ['status', pathOf(status, KNOWN.status)],
      ['method', new Path(KNOWN.method)],
      ['url', new Path(KNOWN.url)],
    ])
  }

  /** Takes an object, and returns its time in microseconds since 1970, or NaN. */
  look(object: Record<string, unknown>, other: Record<string, unknown> | null = null): number {
    this.object = object
    this.other = other
    this.status = Number(this.field('status') ?? 0)
    return parseTime(this.#time.get(object))
  }

  field(name: string): string | undefined {
    if (name === 'route') return this.#routeOf()
    let path = this.#named.get(name) ?? this.#paths.get(name)
    if (path === undefined) {
      path = new Path([name])
      this.#paths.set(name, path)
    }
    return this.#text(path)
  }

  /** Whether the line says who is counted: without the field of `key`, it is the address. */
  hasKey(key: string): boolean {
    return key === 'global' || this.field('ip') !== undefined || this.field(key) !== undefined
  }

  /** Microseconds, or -1 where the line does not say. */
  duration(): number {
    if (this.#duration === null) return -1
    const value = Number(this.#text(this.#duration) ?? -1)
    return value >= 0 ? Math.round(value * this.#unit) : -1
  }

  /** The names under which the time was looked for. */
  get timeNames(): string {
    return this.#time.paths.join(', ')
  }

  #routeOf(): string | undefined {
    if (this.#route !== null) return this.#text(this.#route)
    return this.field('url')?.split('?', 1)[0]
  }

  #text(path: Path): string | undefined {
    return textOf(path.get(this.object)) ?? (this.other === null ? undefined : textOf(path.get(this.other)))
  }
}

/** The object that a line of JSON is, or null. */
export function parseObject(bytes: Buffer, start: number, end: number): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    return isObject(value) && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/** Reads one request a line, from an object of JSON. Its time is that of the end, if it has a duration. */
export class JsonReader implements Reader {
  reason = ''
  readonly #line: JsonLine
  readonly #selection: Selection
  /** The field that a line must have if it is a request. */
  readonly #key: string

  constructor(selection: Selection, paths: FieldPaths, key: string) {
    this.#selection = selection
    this.#line = new JsonLine(paths)
    this.#key = key
  }

  read(bytes: Buffer, start: number, end: number, entry: Entry): Reading {
    const line = this.#line
    const object = parseObject(bytes, start, end)
    if (object === null) return this.#unreadable('not an object of JSON')
    const time = line.look(object)
    if (Number.isNaN(time)) return this.#unreadable(`no time in: ${line.timeNames}`)
    entry.duration = line.duration()
    entry.time = time - Math.max(0, entry.duration)
    if (!line.hasKey(this.#key)) return OTHER
    const reading = this.#selection.select(line, entry)
    return reading === UNREADABLE ? this.#unreadable('the cost is not an integer of 0 or more') : reading
  }

  #unreadable(reason: string): Reading {
    this.reason = reason
    return UNREADABLE
  }
}
