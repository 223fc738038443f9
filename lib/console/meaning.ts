import type { Offender, Policy } from '../../types/index.js'
import { number } from './words.js'

const MINUTE = 60_000

/** Units that a request costs; null where it depends on the request. */
export type Cost = number | null

/**
 * What other policies would mean for a key that is denied. It says no more than the counts support: how often
 * the key was denied in how long, beside what the new policies would have allowed more in that time.
 */
export function meaningFor(
  offender: Offender,
  before: readonly Policy[],
  after: readonly Policy[],
  cost: Cost,
): string {
  const { denied, shadowDenied, blocked, error, first, last } = offender
  const times = denied + shadowDenied
  const span = last.getTime() - first.getTime()
  const atLeast = error > 0 ? 'at least ' : ''
  if (times === 0)
    return `Met a block ${atLeast}${number(blocked)} times. That does not say how much it would use without one.`
  const seen = `Denied ${atLeast}${times === 1 ? 'once' : `${number(times)} times ${within(span, times)}`}.`
  if (blocked > 0)
    return `${seen} It was also blocked, so it is not known how much it would use without blocks.`
  const [was, will] = [tightest(before), tightest(after)]
  if (was === null || will === null) return `${seen} The numbers do not say how long its work takes.`
  if (cost === null) return `${seen} What a request costs depends on it, so more cannot be said.`
  if (cost === 0) return `${seen} Its requests cost nothing.`
  return `${seen} ${judge(times, span, was, will, cost)}`
}

function within(span: number, times: number): string {
  if (span < 1000) return 'within a second'
  if (span < MINUTE) return `within ${number(span / 1000)} s`
  const minutes = span / MINUTE
  const length = minutes === 1 ? 'a minute' : `${number(minutes)} minutes`
  return `in ${length}, about ${number(times / minutes)} a minute over the limit`
}

function judge(times: number, span: number, was: Bound, will: Bound, cost: number): string {
  const differences = compare(was, will, cost)
  if (differences === '') return 'The new policies allow as much.'
  const text = `The new policies allow ${differences}`
  const inTime = ((will.perMinute - was.perMinute) * span) / MINUTE
  const allowed = (inTime + will.atOnce - was.atOnce) / cost
  if (allowed < 0) return `${text}: it would be denied more often.`
  if (allowed >= times) return `${text}: about all of it would have been allowed.`
  return `${text}: about ${number(times - allowed)} of ${number(times)} would still be denied.`
}

function compare(was: Bound, will: Bound, cost: number): string {
  const parts: string[] = []
  const add = (difference: number, unit: string) => {
    if (difference === 0) return
    parts.push(`${number(Math.abs(difference) / cost)} ${difference > 0 ? 'more' : 'fewer'} ${unit}`)
  }
  add(will.perMinute - was.perMinute, 'a minute')
  add(will.atOnce - was.atOnce, 'at once')
  return parts.join(' and ')
}

/** Units that the tightest of several policies allows. */
interface Bound {
  readonly perMinute: number
  readonly atOnce: number
}

/** Null where work in progress is limited, which has no pace. */
function tightest(policies: readonly Policy[]): Bound | null {
  if (policies.some(({ algorithm }) => algorithm === 'concurrency')) return null
  const enforced = policies.filter(({ enforce }) => enforce > 0)
  const counted = enforced.length > 0 ? enforced : policies
  return {
    perMinute: Math.min(...counted.map(({ rate, per }) => (rate * MINUTE) / per)),
    atOnce: Math.min(...counted.map(({ limit }) => limit)),
  }
}
