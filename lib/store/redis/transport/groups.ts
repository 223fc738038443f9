import type { RedisKey } from '../keys.js'
import type { Take } from './call.js'

/** So few groups are looked through one by one. */
const FEW = 8
/** Places of the table, a power of two: twice the keys of a batch, and more. */
const PLACES = 256

/** Takes of one key, in their order; never none. */
export type Group = Take[]

/**
 * The takes of a batch, those of one key together. A table of its own and not a Map, which would have to read each name from end to end:
 * the print of an address tells most of them apart.
 */
export class Groups {
  /** In the order of their first takes. */
  readonly list: Group[] = []
  #table: (Group | null)[] | null = null

  find(address: RedisKey): Group | undefined {
    const { list } = this
    if (list.length > FEW) return this.#lookUp(address)
    for (let i = 0; i < list.length; i++) if (isSame(addressOf(list[i]), address)) return list[i]
    return undefined
  }

  /** Adds a group for a key that has none. */
  open(take: Take): void {
    const group = [take]
    this.list.push(group)
    if (this.#table !== null) this.#place(this.#table, group)
  }

  delete(group: Group): void {
    this.list.splice(this.list.indexOf(group), 1)
    this.#table = null
  }

  #lookUp(address: RedisKey): Group | undefined {
    this.#table ??= this.#build()
    for (let place = address.print & (PLACES - 1); ; place = (place + 1) & (PLACES - 1)) {
      const group = this.#table[place]
      if (group === null) return undefined
      if (isSame(addressOf(group), address)) return group
    }
  }

  #build(): (Group | null)[] {
    const table = new Array<Group | null>(PLACES).fill(null)
    for (const group of this.list) this.#place(table, group)
    return table
  }

  #place(table: (Group | null)[], group: Group): void {
    let place = addressOf(group).print & (PLACES - 1)
    while (table[place] !== null) place = (place + 1) & (PLACES - 1)
    table[place] = group
  }
}

function addressOf(group: Group): RedisKey {
  return group[0].addresses[0]
}

/** Addresses of one key are mostly one object. */
function isSame(a: RedisKey, b: RedisKey): boolean {
  return a === b || (a.print === b.print && a.name === b.name)
}
