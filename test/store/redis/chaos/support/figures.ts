import type { Load, Origin, Sample, Stalls } from './load.js'
import { BURST, RATE } from './subject.js'

/** What was measured of one load. Times in ms. */
export interface Figures {
  calls: number
  p50: number
  p99: number
  max: number
  /** The 99th percentile without the time in which our own event loop stood still. */
  fairP99: number
  origins: Record<Origin, number>
  /** From the end of the fault to the last answer that was not the store's; 0 if that was before. */
  recovery: number
  /** From the first to the last answer that was not the store's. */
  outage: number
  /** Most units by which a key was admitted more than its policy says. */
  over: number
}

export interface Fault {
  from: number
  till: number
}

export function figuresOf(load: Load, fault: Fault, stalls: Stalls): Figures {
  const others = load.samples.filter(({ origin, till }) => origin !== 'store' && till > fault.from)
  const last = Math.max(...others.map(({ till }) => till), 0)
  const first = Math.min(...others.map(({ from }) => from), last)
  const until = Math.max(fault.till, last)
  const under = load.samples.filter(({ from, till }) => till >= fault.from && from <= until)
  const times = under.map(({ from, till }) => till - from)
  const fair = under.map(({ from, till }) => till - from - stalls.within(from, till))
  return {
    calls: under.length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    max: Math.max(...times, 0),
    fairP99: percentile(fair, 0.99),
    origins: count(under),
    recovery: Math.max(0, last - fault.till),
    outage: last - first,
    over: overAdmission(load),
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

export function count(samples: readonly Sample[]): Record<Origin, number> {
  const origins = { store: 0, local: 0, none: 0, error: 0 }
  for (const { origin } of samples) origins[origin]++
  return origins
}

/** Units that the key admitted most has had beyond burst and rate, over the whole time of the load. */
function overAdmission({ samples, startedAt, stoppedAt }: Load): number {
  const admitted = new Map<string, number>()
  for (const { key, allowed } of samples) if (allowed) admitted.set(key, (admitted.get(key) ?? 0) + 1)
  return Math.max(...admitted.values()) - BURST - Math.floor(((stoppedAt - startedAt) * RATE) / 1000)
}
