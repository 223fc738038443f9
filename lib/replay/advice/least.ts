import { withPlace } from '../judge/columns.js'

export const LARGEST_COUNT = 2 ** 32 - 1

/** The least limit of each key that denies nothing, for each of several rates or windows. */
export class Least {
  readonly width: number
  /** The limits of each key: a row for each. */
  units: Uint32Array = new Uint32Array(0)

  constructor(width: number) {
    this.width = width
  }

  /** Where the row of a key begins. */
  rowOf(key: number): number {
    const row = key * this.width
    this.units = withPlace(this.units, row + this.width - 1)
    return row
  }

  /** What each of `count` keys needs, by key. */
  column(column: number, count: number): Uint32Array {
    const units = new Uint32Array(count)
    for (let key = 0; key < count; key++) units[key] = this.units[key * this.width + column]
    return units
  }
}

/** The least limit with which such shares of the keys are never denied. */
export function quantiles(least: Uint32Array, shares: readonly number[]): number[] {
  const sorted = least.toSorted()
  return shares.map((share) => sorted[Math.ceil(share * sorted.length) - 1])
}
