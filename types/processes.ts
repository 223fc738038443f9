import type { RateLimitStats } from './stats.js'

/** A process, and what became of the decisions in it. */
export interface ProcessReport {
  /** Names the process as long as it lives, and no other. */
  readonly id: string
  /** The name of its machine. */
  readonly host: string
  readonly pid: number
  /** Whether it is the process that is asked. */
  readonly isThis: boolean
  /** When it reported. */
  readonly at: Date
  readonly stats: RateLimitStats
}
