import type { Policy } from '../../types/index.js'
import type { DenialStatus } from '../http/index.js'

/** A policy that limits an operation, with the facts for a sentence about it. */
export interface Limit {
  readonly policy: Policy
  /** The name of the key strategy, or null for a function without a name. */
  readonly key: string | null
  /** Units that a request costs, or null where a function decides. */
  readonly cost: number | null
  /** Whether it is the guard, which counts all operations together that are not exempt. */
  readonly isGuard: boolean
  /** The status of its denials. */
  readonly status: DenialStatus
}

/**
 * Describes limits, one sentence a policy: "At most 100 requests a minute, 10 at once, for each API key."
 * `chosen` says that a function chooses a limiter for each request. Guards come last, because documentation
 * pages cut long descriptions short.
 */
export function describeLimits(limits: readonly Limit[], chosen: boolean): string {
  const own = limits.filter(({ isGuard }) => !isGuard).map(sentence)
  const guards = limits.filter(({ isGuard }) => isGuard).map(sentence)
  return [...own, ...(chosen ? ['Limits depend on the request.'] : []), ...guards].join(' ')
}

function sentence({ policy, key, cost, isGuard }: Limit): string {
  if (policy.limit < (cost ?? 1)) return 'No request is allowed.'
  const beginning = isGuard ? 'Over all operations, at most' : 'At most'
  return `${beginning} ${amount(policy, cost)}, ${counted(key)}${costs(cost)}.${consequences(policy)}`
}

/** What else clients must know: that a request may be held, and that a denial may block. */
function consequences({ wait, block }: Policy): string {
  const held = wait === 0 ? '' : ` A request may be held for up to ${period(wait, SPELLED)}.`
  if (block === null) return held
  const growing = block.factor > 1 ? ', and longer each time' : ''
  return `${held} A denial blocks the client for ${period(block.for, SPELLED)}${growing}.`
}

function amount({ algorithm, rate, per, limit }: Policy, cost: number | null): string {
  const units = count(rate, cost === 1 ? 'request' : 'unit')
  if (algorithm === 'concurrency') return `${units} in progress`
  if (algorithm === 'sliding-window') return `${units} in any ${period(per)}`
  const pace = `${units} ${period(per, PACE)}`
  if (limit === 1 && rate === 1) return pace
  // The burst comes on top of the rate, so the rate is an average.
  return `${pace}${limit < rate ? '' : ' on average'}, ${number(limit)} at once`
}

function counted(key: string | null): string {
  if (key === 'ip') return 'for each client address'
  if (key === 'global') return 'for all clients together'
  return `for each ${key === null ? 'client' : words(key)}`
}

function costs(cost: number | null): string {
  if (cost === null) return '; what a request costs depends on it'
  return cost === 1 ? '' : `; a request costs ${number(cost)}`
}

/** Each unit of time with its length in ms, the longest first. Half a minute is 30 seconds. */
const UNITS: readonly [unit: string, ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]
const PACE = {
  one: (unit: string) => `${unit === 'hour' ? 'an' : 'a'} ${unit}`,
  many: (text: string) => `in ${text}`,
}
const SPELLED = {
  one: (unit: string) => `${unit === 'hour' ? 'an' : 'a'} ${unit}`,
  many: (text: string) => text,
}
const LENGTH = { one: (unit: string) => unit, many: (text: string) => text }

function period(ms: number, { one, many } = LENGTH): string {
  const [unit, length] =
    UNITS.find(([, length]) => ms % length === 0) ?? (ms < 1000 ? ['millisecond', 1] : ['second', 1000])
  return ms === length ? one(unit) : many(count(ms / length, unit))
}

function count(amount: number, unit: string): string {
  return `${number(amount)} ${unit}${amount === 1 ? '' : 's'}`
}

/** Writes a number with commas, and with the digits of whole microseconds. */
function number(amount: number): string {
  return amount.toLocaleString('en-US', { maximumFractionDigits: 6 })
}

const ABBREVIATIONS: ReadonlySet<string> = new Set(['api', 'id', 'ip', 'jwt', 'url', 'uuid'])

/** Splits a name into words: `apiKey` becomes "API key", and `user-id` becomes "user ID". */
function words(name: string): string {
  const parts = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) as string[]
  return parts
    .map((part) => part.toLowerCase())
    .map((word) => (ABBREVIATIONS.has(word) ? word.toUpperCase() : word))
    .join(' ')
}
