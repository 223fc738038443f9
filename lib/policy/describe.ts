import type { Policy } from '../../types/index.js'

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

/** A length of time in words: `1 minute`, `15 minutes`, `250 ms`. */
function durationText(ms: number): string {
  const [name, length] = UNITS.find(([, length]) => ms % length === 0) ?? ['ms', 1]
  return name === 'ms' || ms === length ? `${ms / length} ${name}` : `${ms / length} ${name}s`
}

/** Policies in words: `100 per minute, burst 10, and 1000 per hour, burst 10`. */
export function describe(policies: readonly Policy[]): string {
  return policies.map(describeOne).join(', and ')
}

function describeOne({ algorithm, rate, per, limit, wait, block }: Policy): string {
  if (algorithm === 'concurrency') return `${limit} in progress`
  const period = durationText(per).replace(/^1 (?!ms)/, '')
  const law =
    algorithm === 'token-bucket' ? `${rate} per ${period}, burst ${limit}` : `${rate} in any ${period}`
  const held = wait === 0 ? '' : `, wait ${durationText(wait)}`
  return law + held + (block === null ? '' : `, block ${durationText(block.for)}`)
}
