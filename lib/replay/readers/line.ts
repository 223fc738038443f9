import { SECOND } from '../time.js'

/**
 * Microseconds from the arrival of a request to the line of its end, for which replays wait. Memory holds the
 * requests of so long.
 */
export const LONGEST_REQUEST = 300 * SECOND

/** A line that was read, and the fields of its request. Readers use one object for all lines. */
export interface Line {
  /** The status of the response, or 0 where the line has none. */
  readonly status: number
  /** The text of a field, or undefined where the line has none. */
  field(name: string): string | undefined
}

/** A request as policies see it. Readers fill one object again and again. */
export interface Entry {
  /** Arrival, in microseconds since 1970. */
  time: number
  /** Microseconds from the arrival to the end of the response, or -1 where the log does not say. */
  duration: number
  /** Units: an integer of 0 or more. */
  cost: number
  key: string
}

export function newEntry(): Entry {
  return { time: 0, duration: -1, cost: 1, key: '' }
}

/** What a line is. */
export const REQUEST = 0
/** A request that `where` or `status` leaves out. */
export const LEFT_OUT = 1
/** A line that is readable and no request, such as a message of the application. */
export const OTHER = 2
export const UNREADABLE = 3
export type Reading = typeof REQUEST | typeof LEFT_OUT | typeof OTHER | typeof UNREADABLE

/** Reads the lines of one file, in their order. */
export interface Reader {
  /** Why the last unreadable line is one, for people. */
  readonly reason: string
  /** Reads the line from `start` up to `end`, and fills `entry` if it is a request. */
  read(bytes: Buffer, start: number, end: number, entry: Entry): Reading
  /**
   * Fills `entry` with a request that waits for a line that did not come in time, and returns what it is.
   * OTHER if there is none. With `ended` no line can come any more. Absent where no request ever waits.
   */
  overdue?(entry: Entry, ended: boolean): Reading
}
