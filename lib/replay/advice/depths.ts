import type { Period } from '../../../types/index.js'
import { compilePolicy, invalidOption, type TokenBucket, tokenBucket } from '../../policy/index.js'
import { withPlace } from '../judge/columns.js'
import { LARGEST_COUNT, Least } from './least.js'

export interface Rate {
  readonly rate: number
  readonly per: Period
}

/**
 * Finds the least burst of each key at several rates: with it no request of the key is denied, and with one
 * unit less some is. Where nothing is denied, a bucket needs as many units as are out at the worst moment.
 * So one pass over the log gives them all: each key has a tat for each rate, and the units that were out at
 * most.
 */
export class Depths {
  readonly least: Least
  readonly #laws: readonly TokenBucket[]
  #tats: Float64Array
  #start = Number.NaN

  /** Throws `FST_FLOODGATE_OPTION` for a rate that no policy may have. */
  constructor(rates: readonly Rate[]) {
    this.#laws = rates.map((rate, i) => compileRate(rate, `rates[${i}].`))
    this.least = new Least(rates.length)
    this.#tats = new Float64Array(0)
  }

  visit(micros: number, key: number, cost: number): void {
    if (Number.isNaN(this.#start)) this.#start = micros
    const laws = this.#laws
    const row = this.least.rowOf(key)
    this.#tats = withPlace(this.#tats, row + laws.length - 1)
    const { units } = this.least
    const tats = this.#tats
    for (let i = 0; i < laws.length; i++) {
      const law = laws[i]
      const now = (micros - this.#start) * law.resolution
      const tat = tokenBucket.charge(law, tats[row + i], now, cost)
      tats[row + i] = tat
      // Mostly it was as much before, so the division is rare.
      if (tat - now > units[row + i] * law.interval)
        units[row + i] = Math.min(LARGEST_COUNT, Math.ceil((tat - now) / law.interval))
    }
  }
}

function compileRate({ rate, per }: Rate, where: string): TokenBucket {
  const { law } = compilePolicy({ rate, per, burst: 1 }, 'advice', where)
  if (rate === 0) throw invalidOption(`${where}rate`, rate, 'an integer from 1')
  return law as TokenBucket
}
