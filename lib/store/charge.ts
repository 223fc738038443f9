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
    stamp: Number.POSITIVE_INFINITY,
    source: 'store',
  }
}
