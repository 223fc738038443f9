import { SECOND } from '../time.js'
import { type FieldPaths, JsonLine, parseObject } from './json.js'
import { type Entry, LONGEST_REQUEST, OTHER, type Reader, type Reading, UNREADABLE } from './line.js'
import { isObject } from './path.js'
import type { Selection } from './selection.js'

/** The most requests of a file that wait for their second lines: 5 MB of lines as Fastify writes them. */
export const MOST_JOINS = 10_000
/** What a request without a second line is taken to have lasted, in microseconds. */
const WITHOUT_END = 60 * SECOND

const PATHS: FieldPaths = {
  ip: 'req.remoteAddress',
  status: 'res.statusCode',
  duration: { path: 'responseTime', unit: 1000 },
}

interface Arrival {
  readonly time: number
  readonly object: Record<string, unknown>
}

/**
 * Reads the log of a Fastify application, which pino writes: a line when a request arrives, with `req`, and
 * one when it is done, with `res` and `responseTime`. Both have the `reqId`, which counts from 1 in each
 * process. One line that has all is a request, too.
 */
export class PinoReader implements Reader {
  reason = ''
  readonly #selection: Selection
  readonly #line: JsonLine
  /** The field that a request must have, if it has no address. */
  readonly #key: string
  /** Requests whose end was not read yet, the oldest first. */
  readonly #arrivals = new Map<string, Arrival>()
  /** The latest time that was read. */
  #latest = 0

  constructor(selection: Selection, paths: FieldPaths, key: string) {
    this.#selection = selection
    this.#line = new JsonLine({ ...PATHS, ...paths })
    this.#key = key
  }

  read(bytes: Buffer, start: number, end: number, entry: Entry): Reading {
    const object = parseObject(bytes, start, end)
    if (object === null) return this.#unreadable('not an object of JSON')
    const { reqId } = object
    const hasEnded = isObject(object.res)
    if (reqId === undefined || !(hasEnded || isObject(object.req))) return OTHER
    const id = `${object.hostname} ${object.pid} ${reqId}`
    const arrival = this.#arrivals.get(id)
    const time = this.#line.look(object, arrival?.object)
    if (Number.isNaN(time)) return this.#unreadable(`no time in: ${this.#line.timeNames}`)
    this.#latest = Math.max(this.#latest, time)
    if (!hasEnded) {
      // A process that started again counts from 1 again. What it had in progress never ends.
      if (arrival !== undefined) this.#arrivals.set(`${id} ${arrival.time}`, arrival)
      this.#arrivals.set(id, { time, object })
      return OTHER
    }
    this.#arrivals.delete(id)
    entry.duration = this.#line.duration()
    if (arrival !== undefined) entry.time = arrival.time
    // The end of a request that arrived before the log begins, or that has been counted without its end.
    else if (!isObject(object.req)) return OTHER
    else entry.time = time - Math.max(0, entry.duration)
    return this.#select(entry)
  }

  overdue(entry: Entry, ended: boolean): Reading {
    for (const [id, { time, object }] of this.#arrivals) {
      const isTooMany = this.#arrivals.size > MOST_JOINS
      if (!ended && !isTooMany && time > this.#latest - LONGEST_REQUEST) return OTHER
      this.#arrivals.delete(id)
      this.#line.look(object)
      entry.time = time
      entry.duration = WITHOUT_END
      const reading = this.#select(entry)
      if (reading !== OTHER) return reading
    }
    return OTHER
  }

  #select(entry: Entry): Reading {
    if (!this.#line.hasKey(this.#key)) return OTHER
    const reading = this.#selection.select(this.#line, entry)
    return reading === UNREADABLE ? this.#unreadable('the cost is not an integer of 0 or more') : reading
  }

  #unreadable(reason: string): Reading {
    this.reason = reason
    return UNREADABLE
  }
}
