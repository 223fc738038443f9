import type { RedisBucket } from '../buckets.js'
import type { TakeCall } from './calls.js'

/**
 * The simple takes of a batch as the script reads them: keys that follow each other and are asked the same,
 * together, as eight numbers each.
 */
export function runsOf(simple: Iterable<readonly TakeCall[]>): string {
  let runs = ''
  let last: readonly TakeCall[] | null = null
  let keys = 0
  for (const takes of simple) {
    if (last !== null && areAlike(takes, last)) {
      keys++
      continue
    }
    if (last !== null) runs += runOf(last, keys)
    last = takes
    keys = 1
  }
  return last === null ? runs : runs + runOf(last, keys)
}

function areAlike(a: readonly TakeCall[], b: readonly TakeCall[]): boolean {
  const [one, other] = [a[0].charges[0], b[0].charges[0]]
  if (one.bucket !== other.bucket || one.cost !== other.cost || chargedTimes(a) !== chargedTimes(b))
    return false
  return wantedBy(a) === wantedBy(b)
}

function runOf(takes: readonly TakeCall[], keys: number): string {
  const { bucket, cost } = takes[0].charges[0]
  const { policy, law } = bucket as RedisBucket
  const [, interval, tolerance, resolution] = law
  // More than a bucket holds is too much, however much it is, and however long a call may wait.
  const due = cost > policy.limit ? tolerance + interval : cost * interval
  const times = chargedTimes(takes)
  const step = (due * times) / resolution
  const whole = Number.isSafeInteger(step) ? step : 0
  return ` ${due} ${tolerance} ${resolution} ${times} ${whole} ${wantedBy(takes)} ${interval} ${keys}`
}

/** How often takes of one key charge it. */
export function chargedTimes(takes: readonly TakeCall[]): number {
  let times = 0
  for (const take of takes) if (!take.leaseOnly) times++
  return times
}

/** Units that takes of one key would like to lease: one of them at most does. */
export function wantedBy(takes: readonly TakeCall[]): number {
  let wanted = 0
  for (const take of takes) wanted += take.wanted
  return wanted
}
