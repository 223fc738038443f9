import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ProcessReport, RateLimitStats } from '../../../types/index.js'
import { dateOf, parseInstant, wallDate } from '../../store/index.js'

/** Makes the reports of this process. */
export function reporter(): (stats: RateLimitStats) => ProcessReport {
  const id = randomUUID()
  return (stats) => ({ id, host: hostname(), pid: process.pid, isThis: true, at: wallDate(), stats })
}

/** The reports of other processes. One of another version that cannot be read is left out. */
export function readReports(texts: readonly string[]): ProcessReport[] {
  return texts.flatMap((text) => {
    const { at, stats, ...report } = JSON.parse(text)
    const [reported, since] = [parseInstant(at), parseInstant(stats?.since)]
    if (Number.isNaN(reported) || Number.isNaN(since)) return []
    return [{ ...report, isThis: false, at: dateOf(reported), stats: { ...stats, since: dateOf(since) } }]
  })
}
