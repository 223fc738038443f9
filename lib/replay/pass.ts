import { mergeSources } from './input/merge.js'
import type { Source } from './input/source.js'
import { Reorder, type Visit } from './judge/reorder.js'

/** What a pass over the logs finds out. */
export interface PassResult {
  /** Microseconds since 1970 of the first and the last request. NaN where there is none. */
  readonly from: number
  readonly to: number
  /** Requests that came too late to be put in order. */
  readonly late: number
}

/**
 * Reads all sources once, and calls `visit` with their requests in the order of time. `numberOf` returns the
 * number of a key.
 */
export async function pass(
  sources: readonly Source[],
  skew: number,
  numberOf: (key: string) => number,
  visit: Visit,
  onRead: () => void,
): Promise<PassResult> {
  let from = Number.NaN
  let to = Number.NaN
  const reorder = new Reorder((time, key, cost, duration) => {
    if (Number.isNaN(from)) from = time
    to = time
    visit(time, key, cost, duration)
  })
  reorder.skew = skew
  await mergeSources(
    sources,
    // Known when the first request comes, because then the beginning of each file was read.
    () => {
      reorder.slack = Math.max(...sources.map(({ slack }) => slack))
    },
    ({ time, key, cost, duration }) => reorder.push(time, numberOf(key), cost, duration),
    onRead,
  )
  reorder.finish()
  return { from, to, late: reorder.late }
}
