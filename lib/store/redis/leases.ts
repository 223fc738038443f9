import type { Charge } from '../../../types/index.js'
import type { TokenBucket } from '../../policy/index.js'
import { newCharge } from '../charge.js'
import { bucketVerdict } from '../verdict.js'
import type { Reply } from './batch.js'
import { Generations } from './generations.js'
import type { RedisBucket } from './names.js'

/** Most keys that are watched for being hot. */
const MOST_KEYS = 10_000
/** Microseconds within which a key must be asked for again to count as hot, and after which unspent units go back. */
const HOT = 500_000

/** Units of one key that are charged in the store and may be spent here. */
export interface Lease {
  readonly bucket: RedisBucket
  readonly key: string
  /** Units to be held after the next call, the one included that is spent at once; doubles while the key is hot. */
  size: number
  /** A call that asks for units is under way. */
  pending: boolean
  left: number
  /** Ticks that the bucket owed with all units of the lease charged, at the local time `at` (not later than it was so). */
  owed: number
  at: number
  /** Last use, local time. */
  used: number
  /** The stamp of its charge, for refunds. */
  stamp: number
}

/**
 * Leases of token buckets. A unit charged in the store stands for a slot of one interval on the way to its tat; the units of a
 * lease have the last slots. A unit may be spent here as long as its slot has not begun: then serving each spent unit in its own slot is a
 * schedule that the bucket allows, so that all processes together never admit more than the law. For that the slots must stay where they
 * are: the store knows where the last leased slot ends, and a refund gives back what lies after it only, but for the return of that last
 * lease. A slot that has begun is a unit that has come back in the store, and is no longer ours. Elapsed time counts from the sending of the call, never too short.
 */
export class Leases {
  readonly #most: number
  /** Those that hold units, or will when a call is answered. */
  readonly #held = new Map<string, Lease>()
  /** All of late, so that hot keys are known. */
  readonly #seen = new Generations<Lease>(MOST_KEYS)

  /** `most`: units that a lease holds at most, the one included that is spent at once. */
  constructor(most: number) {
    this.#most = most
  }

  /** Spends units of a lease and writes the verdict; false if there are not enough. */
  spend(charge: Charge, name: string, now: number): boolean {
    const lease = this.#held.get(name)
    if (lease === undefined || lease.left < charge.cost || charge.cost === 0) return false
    const { law } = lease.bucket.policy as { law: TokenBucket }
    const owed = lease.owed - (now - lease.at) * law.resolution
    const usable = Math.min(lease.left, Math.floor(owed / law.interval))
    lease.left = Math.max(0, usable)
    if (usable < charge.cost) return false
    lease.left -= charge.cost
    lease.used = now
    if (lease.left === 0) this.#held.delete(name)
    this.#write(charge, lease, law, owed)
    return true
  }

  /** The lease that a call for a key shall fill; null for a key that is not hot. */
  toFill({ bucket, key, cost }: Charge, name: string, now: number): Lease | null {
    const lease = this.#held.get(name) ?? this.#seen.use(name)
    if (lease === undefined) {
      const fresh = { size: 1, pending: false, left: 0, owed: 0, at: 0, used: now, stamp: 0 }
      this.#seen.set(name, { bucket: bucket as RedisBucket, key, ...fresh })
      return null
    }
    if (lease.pending || cost !== 1) return null
    lease.size = now - lease.used < HOT ? Math.min(this.#most, lease.size * 2) : 1
    lease.used = now
    lease.pending = lease.size > 1 && this.#held.size < MOST_KEYS
    if (lease.pending) this.#held.set(name, lease)
    return lease.pending ? lease : null
  }

  /** Learns how many units a call was granted in addition; `owedBefore` is what the bucket owed before it, in ticks. */
  fill(lease: Lease, name: string, charge: Charge, units: number, reply: Reply, owedBefore: number): void {
    lease.pending = false
    // A reset meanwhile has ended it.
    if (this.#held.get(name) !== lease) return
    if (units === 0) return this.#release(name, lease)
    const { interval, resolution } = lease.bucket.policy.law as TokenBucket
    lease.left = units
    lease.owed = owedBefore + (charge.cost + units) * interval
    lease.at = reply.sentAt
    lease.stamp = reply.now + Math.ceil(lease.owed / resolution)
    charge.stamp = lease.stamp
  }

  /** The call that was to fill a lease failed. */
  miss(lease: Lease, name: string): void {
    lease.pending = false
    this.#release(name, lease)
  }

  /** Takes units back into the lease that they were spent from; false if they are from elsewhere. */
  giveBack(charge: Charge, name: string): boolean {
    const lease = this.#held.get(name)
    if (lease === undefined || lease.stamp !== charge.stamp || lease.left === 0) return false
    lease.left += charge.cost
    return true
  }

  drop(name: string): void {
    this.#held.delete(name)
    this.#seen.delete(name)
  }

  /** Does any lease hold units? */
  get held(): boolean {
    return this.#held.size > 0
  }

  /** Ends the leases that were not used for a while, or all, and returns what they held, to be refunded. */
  end(now: number, all: boolean): Charge[] {
    const unspent: Charge[] = []
    for (const [name, lease] of this.#held) {
      if (lease.pending || (!all && now - lease.used < HOT)) continue
      const { bucket, key, left, stamp } = lease
      unspent.push({ ...newCharge(bucket), key, cost: left, stamp })
      lease.left = 0
      this.#held.delete(name)
    }
    return unspent
  }

  #release(name: string, lease: Lease): void {
    if (lease.left === 0 && this.#held.get(name) === lease) this.#held.delete(name)
  }

  /** What is left of the lease is left to this process, and counts as not yet spent. */
  #write(charge: Charge, lease: Lease, law: TokenBucket, owed: number): void {
    bucketVerdict(charge, law, Math.max(0, owed - lease.left * law.interval), 0, 0)
    charge.stamp = lease.stamp
    charge.source = 'store'
  }
}
