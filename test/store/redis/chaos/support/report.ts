import { appendFileSync } from 'node:fs'
import type { Figures } from './figures.js'

export const COLUMNS = [
  'fault',
  'client',
  'onStoreFailure',
  'p50 ms',
  'p99 ms',
  'max ms',
  'recovered after ms',
  'store / local / nobody / 503',
  'over-admission (bound), units a key',
]

/** Appends a row of the table to the file that FLOODGATE_CHAOS_REPORT names, if it names one. */
export function report(row: readonly (string | number)[]): void {
  const file = process.env.FLOODGATE_CHAOS_REPORT
  if (file) appendFileSync(file, `| ${row.join(' | ')} |\n`)
}

export interface Row {
  fault: string
  client: string
  mode: string
  /** Most units a key that may be admitted beyond the policy; undefined where nobody counts. */
  bound: number | undefined
}

export function reportFigures({ fault, client, mode, bound }: Row, figures: Figures): void {
  const { p50, p99, max, recovery, origins, over } = figures
  const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0)
  report([
    fault,
    client,
    `\`${mode}\``,
    ms(p50),
    ms(p99),
    ms(max),
    ms(recovery),
    `${origins.store} / ${origins.local} / ${origins.none} / ${origins.error}`,
    bound === undefined ? `${over} (none)` : `${over} (${bound})`,
  ])
}
