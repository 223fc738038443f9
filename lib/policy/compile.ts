import type { Algorithm, Policy, PolicyOptions } from '../../types/index.js'
import { compileBlock } from './block.js'
import { compileEnforce } from './enforce.js'
import { invalidOption } from './errors.js'
import { ownOptions } from './options.js'
import { parsePeriod } from './period.js'
import type { SlidingWindow } from './sliding-window.js'
import { type TokenBucket, tokenBucket } from './token-bucket.js'

/** A policy with the derived numbers of its law. */
export type CompiledPolicy = Policy &
  (
    | { readonly algorithm: 'token-bucket'; readonly law: TokenBucket }
    /** Units in progress are those of a window as long as `hold`, and go back before that by a refund. */
    | { readonly algorithm: 'sliding-window' | 'concurrency'; readonly law: SlidingWindow }
  )

/** The numbers of a law. Policies that have the same may share the state of their keys, and no others may. */
export function lawNumbers({ algorithm, rate, per, limit, wait }: Policy): readonly (string | number)[] {
  return [algorithm, rate, per, limit, wait]
}

export const POLICY_OPTIONS = [
  'name',
  'algorithm',
  'rate',
  'per',
  'burst',
  'wait',
  'limit',
  'hold',
  'block',
  'enforce',
] as const

/** Most units a second that a policy may allow. */
export const FASTEST = 1_000_000
/** Largest rate and burst. */
export const LARGEST = 2 ** 31 - 1
/** Most units of a window or in progress: each is remembered in 8 bytes. */
const LARGEST_WINDOW = 1_000_000
const DEFAULT_BURST = 10
/** Microseconds. */
const LONGEST_WAIT = 60_000_000
const WAIT_ALLOWED = "a period up to 1 minute, such as '2 seconds'"

type Option = (typeof POLICY_OPTIONS)[number]

/** What the options that an algorithm does not have say in errors. */
const REFUSED: Readonly<Record<Algorithm, Partial<Record<Option, string>>>> = {
  'token-bucket': {
    limit: "none but with algorithm 'concurrency'; the units of a period are the `rate`",
    hold: "none but with algorithm 'concurrency'",
  },
  'sliding-window': {
    burst: "none with algorithm 'sliding-window', whose rate is its burst",
    wait: "none but with algorithm 'token-bucket'",
    limit: "none but with algorithm 'concurrency'; the units of a period are the `rate`",
    hold: "none but with algorithm 'concurrency'",
  },
  concurrency: {
    rate: "none with algorithm 'concurrency', which has a `limit`",
    per: "none with algorithm 'concurrency', which has a `hold`",
    burst: "none with algorithm 'concurrency', which has a `limit`",
    wait: "none but with algorithm 'token-bucket'",
    block: "none with algorithm 'concurrency'",
  },
}

/**
 * Validates a policy and derives all its numbers. `where` is the path of the options in error messages, such
 * as `limiters.login.`. Throws `FST_FLOODGATE_OPTION` or `FST_FLOODGATE_UNKNOWN_OPTION`.
 */
export function compilePolicy(options: PolicyOptions, defaultName: string, where = ''): CompiledPolicy {
  const own = ownOptions(options, POLICY_OPTIONS, where)
  // Only `undefined` gets the default: null is a wrong value.
  const { name = defaultName, algorithm = 'token-bucket', rate = 100, per = 'minute' } = own
  checkName(name, `${where}name`)
  checkAlgorithm(algorithm, `${where}algorithm`)
  refuseForeign(own, algorithm, where)
  if (algorithm === 'concurrency') return compileConcurrency(own, name, where)
  const period = parsePeriod(per, `${where}per`)
  checkRate(rate, period, `${where}rate`)
  const block = own.block === undefined ? null : compileBlock(own.block, `${where}block`)
  const enforce = compileEnforce(own.enforce, `${where}enforce`)
  const common = { name, rate, per: period / 1000, block, enforce }
  if (algorithm === 'token-bucket') {
    const law = compileBucket(rate, period, own, where)
    return { ...common, algorithm, limit: law.burst, wait: law.patience / law.resolution / 1000, law }
  }
  if (rate > LARGEST_WINDOW)
    throw invalidOption(`${where}rate`, rate, `at most ${LARGEST_WINDOW} in a sliding window`)
  return { ...common, algorithm, limit: rate, wait: 0, law: { rate, window: period } }
}

function checkAlgorithm(algorithm: unknown, option: string): void {
  if (Object.keys(REFUSED).includes(algorithm as Algorithm)) return
  throw invalidOption(option, algorithm, "'token-bucket', 'sliding-window' or 'concurrency'")
}

function refuseForeign(own: PolicyOptions, algorithm: Algorithm, where: string): void {
  for (const [option, allowed] of Object.entries(REFUSED[algorithm])) {
    const value = own[option as Option]
    if (value !== undefined) throw invalidOption(where + option, value, allowed)
  }
}

function compileConcurrency(own: PolicyOptions, name: string, where: string): CompiledPolicy {
  const { limit, hold = 'minute' } = own
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0 || limit > LARGEST_WINDOW)
    throw invalidOption(`${where}limit`, limit, `an integer from 0 to ${LARGEST_WINDOW}`)
  const window = parsePeriod(hold, `${where}hold`)
  const enforce = compileEnforce(own.enforce, `${where}enforce`)
  const numbers = { rate: limit, per: window / 1000, limit, wait: 0, block: null, enforce }
  return { name, algorithm: 'concurrency', ...numbers, law: { rate: limit, window } }
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

function compileBucket(rate: number, period: number, own: PolicyOptions, where: string): TokenBucket {
  const { burst = Math.min(DEFAULT_BURST, rate), wait } = own
  if (typeof burst !== 'number' || !Number.isInteger(burst) || burst > LARGEST || burst < Math.min(1, rate)) {
    throw invalidOption(`${where}burst`, burst, `an integer from 1 to ${LARGEST}`)
  }
  const patience = wait === undefined ? 0 : parsePeriod(wait, `${where}wait`, LONGEST_WAIT, WAIT_ALLOWED)
  const law = tokenBucket(rate, period, burst, patience)
  if (law === null)
    throw invalidOption(`${where}burst`, burst, 'a burst that refills within 71 years at this rate')
  return law
}
