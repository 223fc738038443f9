import type { Charge } from '../../../../types/index.js'
import type { RedisKey } from '../keys.js'
import type { Reply } from './reply.js'

/** The verbs of the script. */
export const VERBS = { take: 1, peek: 2, refund: 3, reset: 4, release: 5 } as const
export type Verb = keyof typeof VERBS

/** What one call of a store asks, and who waits for it. */
export interface Call {
  readonly verb: Verb
  readonly charges: readonly Charge[]
  /** Where the keys of the charges are kept. */
  readonly addresses: readonly RedisKey[]
  /** Reads its part of the reply. */
  answer(reply: Reply): void
  fail(error: Error): void
}

/** A call that takes; it may be a simple one. */
export interface Take extends Call {
  /** How often it charges its cost: once, or not at all if it leases only. */
  readonly times: 0 | 1
  /** Units that it would like to lease in addition; known once it departs. */
  readonly wanted: number
  /** Leases nothing after all. */
  dropLease(): void
  /** Is about to be sent. */
  depart(): void
  /** Learns what its bucket owed before it, in ticks, and returns what it owes then. */
  answerTake(reply: Reply, owed: number): number
  /** Learns how many units it leases. All takes of its key, so many, have been answered; without the lease the bucket owes so many ticks. */
  lease(reply: Reply, units: number, owed: number, takes: number): void
}
