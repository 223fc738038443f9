import type { Charge } from '../../../../types/index.js'
import type { TokenBucket } from '../../../policy/index.js'
import { bucketVerdict } from '../../verdict.js'
import type { RedisKey } from '../keys.js'
import type { Grant } from './lease-grant.js'

/** Units of one key that are charged in the store and may be spent here. */
export interface Lease {
  readonly redisKey: RedisKey
  readonly law: TokenBucket
  /** What the store granted, the oldest first; those that are used up stay until the next one. */
  grants: Grant[]
  /** Units in the grants that were not spent at its last use: counted here, as every decision asks for it. */
  held: number
  /** With so many units held or fewer more are asked for. */
  low: number
  /**
   * Units to be held after the next call, the one included that is spent at once; doubles while the key is
   * hot.
   */
  size: number
  /** A call that asks for units is under way, or about to be. */
  pending: boolean
  /** It is under way. */
  isSent: boolean
  /** Number of that call: what calls before it were to ask for is not asked for any more. */
  round: number
  /** Units that the last call asks for. */
  wanted: number
  /** Last use, local time. */
  used: number
}

/** The end of a lease that no unit uses, on its way back to the store. */
export interface Rest {
  readonly lease: Lease
  readonly grant: Grant
  readonly ticks: number
  /** Where it ended, in microseconds of the server. */
  readonly mark: number
}

export function newLease(redisKey: RedisKey, now: number): Lease {
  const law = redisKey.bucket.policy.law as TokenBucket
  const calls = { pending: false, isSent: false, round: 0, wanted: 0 }
  return { redisKey, law, grants: [], held: 0, low: 0, size: 1, ...calls, used: now }
}

/** Spends units of one grant, of the oldest that has them; returns their `chargedAt`, or 0 if none has. */
export function spendOldest({ grants }: Lease, cost: number, now: number): number {
  for (const grant of grants) {
    const chargedAt = grant.spend(cost, now)
    if (chargedAt !== 0) return chargedAt
  }
  return 0
}

export function unitsOf(grants: readonly Grant[], now: number): number {
  let units = 0
  for (const grant of grants) units += grant.units(now)
  return units
}

/**
 * Writes the verdict of what a lease allows: what is left of it is left to this process, and counts as not
 * yet spent.
 */
export function allow(charge: Charge, { grants, law }: Lease, now: number): void {
  let owed = grants[grants.length - 1].owed(now)
  for (const grant of grants) owed -= grant.unused(now)
  bucketVerdict(charge, law, Math.max(0, owed), 0, 0)
  charge.source = 'store'
}
