import type { OffenderOptions } from '../../../types/index.js'
import { type OffenderSettings, showKey } from '../../observe/index.js'
import { invalidOption, ownOptions, parsePeriod } from '../../policy/index.js'
import { dateOf, wallMicros } from '../../store/index.js'

/** Most keys that a limiter remembers for a period. */
const MOST = 10_000

/** Checks the option `offenders`. Null where it is not given. Throws as other options do. */
export function readOffenders(given: OffenderOptions | undefined): OffenderSettings | null {
  if (given === undefined) return null
  const options = ownOptions(given, ['size', 'per', 'show'], 'offenders.')
  const { size = 100, per = 'hour', show = showKey } = options
  if (!Number.isInteger(size) || size < 1 || size > MOST)
    throw invalidOption('offenders.size', size, `an integer from 1 to ${MOST}`)
  if (typeof show !== 'function') throw invalidOption('offenders.show', show, 'a function')
  const safe = (key: string, limiter: string) => shownBy(show, key, limiter)
  return {
    size,
    per: parsePeriod(per, 'offenders.per') / 1000,
    show: safe,
    now: () => wallMicros() / 1000,
    dateOf,
  }
}

/** What a function of the user shows for a key. Where it fails, nobody is to see the key itself. */
function shownBy(show: OffenderSettings['show'], key: string, limiter: string): string {
  try {
    const text: unknown = show(key, limiter)
    return typeof text === 'string' ? text : showKey(key)
  } catch {
    return showKey(key)
  }
}
