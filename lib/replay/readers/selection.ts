import { Networks } from '../../address/index.js'
import { type Entry, LEFT_OUT, type Line, REQUEST, type Reading, UNREADABLE } from './line.js'

/** Begins the key of a request without a value: it counts by its IP, in a space of its own. */
export const BY_IP = '\0'

/** A condition that requests must fulfil. */
export interface Condition {
  readonly field: string
  readonly matches: (value: string | undefined) => boolean
}

/** Which requests count, under which key, for how many units. */
export interface SelectionOptions {
  readonly key: string
  readonly ipv6Prefix: number
  readonly where: readonly Condition[]
  readonly statuses: ReadonlySet<number> | null
  /** Units, or the field that has them. */
  readonly cost: number | string
}

/** Fills the entries of requests that count, as the plugin would count them. */
export class Selection {
  readonly #options: SelectionOptions
  readonly #networks: Networks

  constructor(options: SelectionOptions) {
    this.#options = options
    this.#networks = new Networks(options.ipv6Prefix)
  }

  /** Fills cost and key of `entry`. */
  select(line: Line, entry: Entry): Reading {
    const { where, statuses, cost } = this.#options
    if (statuses !== null && !statuses.has(line.status)) return LEFT_OUT
    for (const { field, matches } of where) if (!matches(line.field(field))) return LEFT_OUT
    if (typeof cost === 'number') entry.cost = cost
    else {
      const text = line.field(cost) ?? '1'
      entry.cost = /^\d{1,15}$/.test(text) ? Number(text) : -1
      if (entry.cost < 0) return UNREADABLE
    }
    entry.key = this.#keyOf(line)
    return REQUEST
  }

  #keyOf(line: Line): string {
    const { key } = this.#options
    if (key === 'ip') return this.#ipKeyOf(line)
    if (key === 'global') return key
    return line.field(key) || BY_IP + this.#ipKeyOf(line)
  }

  #ipKeyOf(line: Line): string {
    // Readers select only lines that have an address or the key.
    return this.#networks.keyOf(line.field('ip'))
  }
}
