import { newCharge } from '../../../lib/store/index.js'
import type { MemoryStore } from '../../../lib/store/memory/store.js'
import type { Bucket, PolicyOptions } from '../../../types/index.js'

/** Laws that differ all, every third of them a window. */
export function policyOf(i: number): PolicyOptions {
  return i % 3 === 0
    ? { name: 'window', algorithm: 'sliding-window', rate: 2 + (i % 5), per: 60_000 + i }
    : { name: 'bucket', rate: 2 + i, per: 'hour', burst: 2 + (i % 4) }
}

/** What a store says of taking one unit and then two of a key. */
export function story(store: MemoryStore, bucket: Bucket, key: string): unknown[] {
  const charge = newCharge(bucket)
  charge.key = key
  return [1, 2].map((cost) => {
    charge.cost = cost
    store.take([charge])
    const { allowed, remaining, resetAfter, renewAfter, retryAfter } = charge
    return { allowed, remaining, resetAfter, renewAfter, retryAfter }
  })
}
