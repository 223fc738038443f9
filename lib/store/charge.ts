import type { Bucket, Charge } from '../../types/index.js'

/** A charge with no question and no verdict yet. */
export function newCharge(bucket: Bucket): Charge {
  return {
    bucket,
    key: '',
    cost: 1,
    allowed: true,
    remaining: 0,
    resetAfter: 0,
    renewAfter: 0,
    retryAfter: 0,
    chargedAt: Number.POSITIVE_INFINITY,
    source: 'store',
  }
}

/** What a call asks of the bucket and key of one of its charges, all charges of the same key together. */
export function costOf(charges: readonly Charge[], { bucket, key, cost }: Charge): number {
  if (charges.length === 1) return cost
  let sum = 0
  for (const charge of charges) if (charge.bucket === bucket && charge.key === key) sum += charge.cost
  return sum
}
