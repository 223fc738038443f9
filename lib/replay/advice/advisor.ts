import type { Period } from '../../../types/index.js'
import { LARGEST, parsePeriod, tokenBucket } from '../../policy/index.js'
import { type Keys, largest } from '../judge/keys.js'
import type { Advice, Shares, Suggestion } from '../report.js'
import { Depths, type Rate } from './depths.js'
import { Histories } from './histories.js'
import { quantiles } from './least.js'

const WINDOWS: readonly Period[] = ['second', '10 seconds', 'minute', '10 minutes', 'hour', 'day']
const SHARES = [0.5, 0.9, 0.99, 0.999]
/** The share of the keys that the suggested policy never denies. */
const SPARED = '99%'
const MINUTE = 60e6
const MOST_KEYS = 10

/** Watches the requests of a log, and says which limits would have let them pass. */
export class Advisor {
  readonly #rates: readonly Rate[]
  readonly #depths: Depths
  readonly #histories = new Histories(WINDOWS)

  /** Throws `FST_FLOODGATE_OPTION` for a rate that no policy may have. */
  constructor(rates: readonly Rate[]) {
    this.#rates = rates
    this.#depths = new Depths(rates)
  }

  visit(micros: number, key: number, cost: number): void {
    this.#depths.visit(micros, key, cost)
    this.#histories.visit(micros, key, cost)
  }

  /** The advice about the keys seen, of which there must be one. `nameOf` returns a key as it is shown. */
  conclude(keys: Keys, nameOf: (key: number) => string): Advice {
    const sharesOf = (least: Uint32Array) => {
      const [half, most, nearly, all] = quantiles(least, SHARES)
      return { '50%': half, '90%': most, '99%': nearly, '99.9%': all }
    }
    const bursts = this.#rates.map((_, i) => this.#depths.least.column(i, keys.count))
    const rates = this.#rates.map((rate, i) => ({ ...rate, burst: sharesOf(bursts[i]) }))
    const windows = WINDOWS.map((per, i) => ({
      per,
      rate: sharesOf(this.#histories.least.column(i, keys.count)),
    }))
    const row = tightest(rates)
    return { rates, windows, suggestion: row < 0 ? null : suggest(rates[row], bursts[row], keys, nameOf) }
  }
}

/** The row that spares the keys, and lets the fewest units through in a minute. -1 for none. */
function tightest(rows: readonly (Rate & { burst: Shares })[]): number {
  let found = -1
  let least = Number.POSITIVE_INFINITY
  rows.forEach(({ rate, per, burst: shares }, row) => {
    const burst = roundUp(shares[SPARED])
    const units = burst + (rate * MINUTE) / parsePeriod(per, 'per')
    if (units >= least || !isAllowed(rate, per, burst)) return
    found = row
    least = units
  })
  return found
}

/** Whether a policy may have so large a burst. */
function isAllowed(rate: number, per: Period, burst: number): boolean {
  return burst <= LARGEST && tokenBucket.tokenBucket(rate, parsePeriod(per, 'per'), burst) !== null
}

function suggest(
  { rate, per, burst: shares }: Rate & { burst: Shares },
  bursts: Uint32Array,
  keys: Keys,
  nameOf: (key: number) => string,
): Suggestion {
  const burst = roundUp(shares[SPARED])
  const denied = bursts.reduce((count, needed) => count + (needed > burst ? 1 : 0), 0)
  const period = typeof per === 'string' ? `'${per}'` : per
  return {
    policy: { rate, per, burst },
    code: `{ rate: ${rate}, per: ${period}, burst: ${burst} }`,
    keysDenied: { count: denied, share: denied / keys.count },
    deciding: largest(bursts, keys.count, MOST_KEYS).map((key) => ({
      key: nameOf(key),
      requests: keys.requests[key],
      burst: bursts[key],
    })),
    peaks: peaksOf(bursts),
    report: null,
  }
}

/** Up to a number that people would choose: 37 to 40, 123 to 150. */
function roundUp(burst: number): number {
  if (burst <= 10) return Math.max(1, burst)
  const step = 10 ** Math.floor(Math.log10(burst)) / 2
  return Math.ceil(burst / step) * step
}

/** Limits 1, 2, 5, 10, 20 and so on, up to the first that is large enough for all. */
function peaksOf(bursts: Uint32Array): { upTo: number; keys: number }[] {
  const sorted = bursts.toSorted()
  const peaks: { upTo: number; keys: number }[] = []
  for (let i = 0, below = 0; below < sorted.length; i++) {
    const upTo = [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3)
    let end = below
    while (end < sorted.length && sorted[end] <= upTo) end++
    peaks.push({ upTo, keys: end - below })
    below = end
  }
  return peaks
}
