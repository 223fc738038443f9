import type { Period } from '../../../types/index.js'
import { parsePeriod } from '../../policy/index.js'
import { LARGEST_COUNT, Least } from './least.js'

/** Moments of a key that are remembered before some are joined. */
const MOMENTS = 64
/** Joined moments hold at most this share of the units that came after them. */
const SHARE = 1 / 64

/**
 * Finds the least rate of each key for several windows: the most units that it ever spent in one window.
 *
 * A key has a list of moments, the oldest first: `[limit, time, units, time, units, ...]`. A list that grows
 * above its limit joins neighbours to one moment at the later of their times, as long as they hold few units
 * beside those after them (an exponential histogram: Datar, Gionis, Indyk and Motwani, "Maintaining stream
 * statistics over sliding windows"). So memory grows with the logarithm of a key's requests. The result is
 * exact for a key with at most 64 different moments in the longest window, and otherwise too high by at most
 * 1 part in 64.
 */
export class Histories {
  readonly least: Least
  /** Microseconds, the shortest first. */
  readonly #windows: readonly number[]
  readonly #lists: number[][] = []

  /** `windows` must be in ascending order. */
  constructor(windows: readonly Period[]) {
    this.#windows = windows.map((per, i) => parsePeriod(per, `windows[${i}]`))
    this.least = new Least(windows.length)
  }

  visit(micros: number, key: number, cost: number): void {
    this.#lists[key] ??= [2 * MOMENTS]
    const list = this.#lists[key]
    const last = list.length - 2
    if (last > 0 && list[last] === micros) list[last + 1] += cost
    else list.push(micros, cost)
    this.#count(list, micros, key)
    if (list.length > list[0]) this.#lists[key] = join(list, micros - this.#windows[this.#windows.length - 1])
  }

  /** Notes the units of all windows that end now. */
  #count(list: readonly number[], micros: number, key: number): void {
    const windows = this.#windows
    const row = this.least.rowOf(key)
    const least = this.least.units
    let units = 0
    let window = 0
    for (let at = list.length - 2; at > 0 && window < windows.length; at -= 2) {
      const age = micros - list[at]
      for (; age >= windows[window]; window++) raise(least, row + window, units)
      units += list[at + 1]
    }
    for (; window < windows.length; window++) raise(least, row + window, units)
  }
}

function raise(least: Uint32Array, place: number, units: number): void {
  if (units > least[place]) least[place] = Math.min(units, LARGEST_COUNT)
}

/** A shorter list, without the moments up to `past`. */
function join(list: readonly number[], past: number): number[] {
  const times: number[] = []
  const units: number[] = []
  /** Units of the moments after the last one in `times`. */
  let after = 0
  for (let at = list.length - 2; at > 0 && list[at] > past; at -= 2) {
    const last = times.length - 1
    if (last >= 0 && units[last] + list[at + 1] <= after * SHARE) units[last] += list[at + 1]
    else {
      if (last >= 0) after += units[last]
      times.push(list[at])
      units.push(list[at + 1])
    }
  }
  const joined = [Math.max(2 * MOMENTS, 4 * times.length)]
  for (let i = times.length - 1; i >= 0; i--) joined.push(times[i], units[i])
  return joined
}
