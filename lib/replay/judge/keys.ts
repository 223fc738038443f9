import { withPlace } from './columns.js'

const FIRST_SIZE = 1024

/** The keys of a log, numbered from 0 in the order in which they come, and how many requests each has. */
export class Keys {
  readonly names: string[] = []
  requests = new Uint32Array(FIRST_SIZE)
  readonly #numbers = new Map<string, number>()

  get numbers(): ReadonlyMap<string, number> {
    return this.#numbers
  }

  get count(): number {
    return this.names.length
  }

  /** The number of a key, of which there is one request more. */
  add(name: string): number {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = this.names.length
      this.#numbers.set(name, number)
      this.names.push(name)
      this.requests = withPlace(this.requests, number)
    }
    this.requests[number]++
    return number
  }
}

/** The numbers of the keys with the largest values above 0, at most `most`, the largest first. */
export function largest(values: Uint32Array, count: number, most: number): number[] {
  const found: number[] = []
  for (let key = 0; key < count; key++) {
    const value = values[key]
    if (value === 0 || (found.length === most && value <= values[found[most - 1]])) continue
    let place = found.length
    while (place > 0 && values[found[place - 1]] < value) place--
    found.splice(place, 0, key)
    if (found.length > most) found.pop()
  }
  return found
}
