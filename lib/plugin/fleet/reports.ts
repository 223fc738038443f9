import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ProcessReport, RateLimitStats } from '../../../types/index.js'
import { dateOf, parseInstant, wallDate } from '../../store/index.js'

/** Makes the reports of this process. */
export function reporter(): (stats: RateLimitStats) => ProcessReport {
  const id = randomUUID()
  return (stats) => ({ id, host: hostname(), pid: process.pid, isThis: true, at: wallDate(), stats })
}

/** The reports of other processes. One that cannot be read, of another version or secret, is left out. */
export function readReports(texts: readonly string[]): ProcessReport[] {
  return texts.flatMap((text) => {
    try {
      return [readReport(text)]
    } catch {
      return []
    }
  })
}

/** Throws where anything is missing that every report has. */
function readReport(text: string): ProcessReport {
  const { at, stats, id, host, pid } = JSON.parse(text)
  const [reported, since] = [parseInstant(at), parseInstant(stats.since)]
  const policies = Object.values(stats.limiters as RateLimitStats['limiters']).map(({ policies }) => policies)
  const counts = policies.flatMap((all) => Object.values(all).map(({ allowed }) => allowed))
  const isWhole = [id, host, stats.store.state].every((text) => typeof text === 'string')
  if (!isWhole || [reported, since, pid, ...counts].some((number) => !Number.isFinite(number)))
    throw new TypeError('no report')
  const times = { at: dateOf(reported), stats: { ...stats, since: dateOf(since) } }
  return { id, host, pid, isThis: false, ...times }
}
