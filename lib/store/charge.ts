import type { Bucket, Charge } from '../../types/index.js'

/** Returns a charge without a question and without a verdict. */
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
    delay: 0,
    blocked: false,
    first: false,
    chargedAt: Number.POSITIVE_INFINITY,
    source: 'store',
  }
}

/** The units that a call asks of one key: the sum of all its charges to the same bucket and key. */
export function totalCost(charges: readonly Charge[], { bucket, key, cost }: Charge): number {
  if (charges.length === 1) return cost
  let sum = 0
  for (const charge of charges) if (charge.bucket === bucket && charge.key === key) sum += charge.cost
  return sum
}
