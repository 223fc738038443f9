import type { Policy, PolicyOptions } from '../../types/index.js'
import { invalidOption } from './errors.js'
import { ownOptions } from './options.js'
import { parsePeriod } from './period.js'
import type { SlidingWindow } from './sliding-window.js'
import { type TokenBucket, tokenBucket } from './token-bucket.js'

/** A policy with the derived numbers of its law. */
export type CompiledPolicy = Policy &
  (
    | { readonly algorithm: 'token-bucket'; readonly law: TokenBucket }
    | { readonly algorithm: 'sliding-window'; readonly law: SlidingWindow }
  )

export const POLICY_OPTIONS = ['name', 'algorithm', 'rate', 'per', 'burst'] as const

/** Most units a second that a policy may allow. */
export const FASTEST = 1_000_000
/** Largest rate and burst. */
export const LARGEST = 2 ** 31 - 1
/** Most units of a window, which remembers each in 8 bytes. */
const LARGEST_WINDOW = 1_000_000
const DEFAULT_BURST = 10

/**
 * Validates a policy and derives all its numbers. `where` is the path of the options in error messages, such
 * as `limiters.login.`. Throws `FST_FLOODGATE_OPTION` or `FST_FLOODGATE_UNKNOWN_OPTION`.
 */
export function compilePolicy(options: PolicyOptions, defaultName: string, where = ''): CompiledPolicy {
  const own = ownOptions(options, POLICY_OPTIONS, where)
  // Only `undefined` gets the default: null is a wrong value.
  const { name = defaultName, algorithm = 'token-bucket', rate = 100, per = 'minute', burst } = own
  checkName(name, `${where}name`)
  const period = parsePeriod(per, `${where}per`)
  checkRate(rate, period, `${where}rate`)
  const common = { name, rate, per: period / 1000 }
  if (algorithm === 'token-bucket') {
    const law = compileBucket(rate, period, burst, `${where}burst`)
    return { ...common, algorithm, limit: law.burst, law }
  }
  if (algorithm !== 'sliding-window') {
    throw invalidOption(`${where}algorithm`, algorithm, "'token-bucket' or 'sliding-window'")
  }
  if (burst !== undefined) {
    throw invalidOption(
      `${where}burst`,
      burst,
      "none with algorithm 'sliding-window', whose rate is its burst",
    )
  }
  if (rate > LARGEST_WINDOW)
    throw invalidOption(`${where}rate`, rate, `at most ${LARGEST_WINDOW} in a sliding window`)
  return { ...common, algorithm, limit: rate, law: { rate, window: period } }
}

/**
 * Returns a name that headers and logs can carry: 1 to 128 printable ASCII characters (RFC 9651, section
 * 3.3.3). Throws `FST_FLOODGATE_OPTION` for any other.
 */
export function checkName(name: unknown, option: string): string {
  if (typeof name === 'string' && /^[\x20-\x7e]{1,128}$/.test(name)) return name
  throw invalidOption(option, name, 'a string of 1 to 128 printable ASCII characters')
}

function checkRate(rate: unknown, period: number, option: string): void {
  if (typeof rate !== 'number' || !Number.isInteger(rate) || rate < 0 || rate > LARGEST) {
    const fraction =
      typeof rate === 'number' && rate > 0 && rate < 1 ? ' (for less than one a period, lengthen `per`)' : ''
    throw invalidOption(option, rate, `an integer from 0 to ${LARGEST}${fraction}`)
  }
  if (rate * 1e6 > period * FASTEST) {
    throw invalidOption(
      option,
      rate,
      `at most ${FASTEST} a second, here ${Math.floor((period * FASTEST) / 1e6)}`,
    )
  }
}

function compileBucket(rate: number, period: number, given: unknown, option: string): TokenBucket {
  const burst = given === undefined ? Math.min(DEFAULT_BURST, rate) : given
  if (typeof burst !== 'number' || !Number.isInteger(burst) || burst > LARGEST || burst < Math.min(1, rate)) {
    throw invalidOption(option, burst, `an integer from 1 to ${LARGEST}`)
  }
  const law = tokenBucket(rate, period, burst)
  if (law === null) throw invalidOption(option, burst, 'a burst that refills within 71 years at this rate')
  return law
}
