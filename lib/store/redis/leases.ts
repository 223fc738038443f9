import type { Charge } from '../../../types/index.js'
import type { TokenBucket } from '../../policy/index.js'
import { newCharge } from '../charge.js'
import { bucketVerdict } from '../verdict.js'
import type { Address } from './names.js'
import type { Reply } from './reply.js'

/** Most keys that are leased at a time. */
const MOST_KEYS = 10_000
/** Places for keys that were asked for of late, a power of two. */
const PLACES = 4096
/** Microseconds within which a key must be asked for again to count as hot, and after which unspent units go back. */
const HOT = 500_000

/** Units of one key that are charged in the store and may be spent here. */
export interface Lease {
  readonly address: Address
  /** Units to be held after the next call, the one included that is spent at once; doubles while the key is hot. */
  size: number
  /** A call that asks for units is under way. */
  pending: boolean
  /** The slots that are free, counted from the last one, which is 0; the earliest comes last. */
  free: number[]
  /** Slots of the units that were charged together with the lease, those included. */
  slots: number
  /** Ticks that the bucket owed with all units of the lease charged, at the local time `at` (not later than it was so). */
  owed: number
  at: number
  /** The server's time, in microseconds, at which it owed that. */
  now: number
  /** Last use, local time. */
  used: number
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
  /** Those of keys that are hot: they hold units, will when a call is answered, or did a moment ago. */
  readonly #hot = new Map<string, Lease>()
  /** Which key asked last in each place, by a part of its digest, and when: a flood of cold keys leaves nothing to collect. */
  readonly #seen = new Int32Array(PLACES)
  readonly #seenAt = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY)

  /** `most`: units that a lease holds at most, the one included that is spent at once. */
  constructor(most: number) {
    this.#most = most
  }

  /** Spends units of a lease and writes the verdict; false if there are not enough. */
  spend(charge: Charge, { name }: Address, now: number): boolean {
    const lease = this.#hot.get(name)
    if (lease === undefined || charge.cost === 0) return false
    const law = lawOf(lease)
    const { free } = lease
    const owed = lease.owed - (now - lease.at) * law.resolution
    const usable = Math.floor(owed / law.interval)
    // Units whose slot has begun have come back in the store.
    while (free.length > 0 && free[free.length - 1] >= usable) free.pop()
    const slot = free[free.length - charge.cost]
    // Units of one charge have slots that follow each other, so that they can come back together.
    if (slot === undefined || slot + charge.cost - 1 !== free[free.length - 1]) return false
    free.length -= charge.cost
    lease.used = now
    // What is left of the lease is left to this process, and counts as not yet spent.
    bucketVerdict(charge, law, Math.max(0, owed - free.length * law.interval), 0, 0)
    charge.stamp = endOf(slot, lease)
    charge.source = 'store'
    return true
  }

  /** The lease that a call for a key shall fill; null for a key that is not hot. */
  toFill({ cost }: Charge, address: Address, now: number): Lease | null {
    let lease = this.#hot.get(address.name)
    if (lease === undefined) {
      if (!this.#see(address, now) || this.#hot.size >= MOST_KEYS) return null
      lease = { address, size: 1, pending: false, free: [], slots: 0, owed: 0, at: 0, now: 0, used: now }
      this.#hot.set(address.name, lease)
    }
    if (lease.pending || cost !== 1) return null
    lease.size = now - lease.used < HOT ? Math.min(this.#most, lease.size * 2) : 1
    lease.used = now
    lease.pending = lease.size > 1
    return lease.pending ? lease : null
  }

  /**
   * Learns how many units a call was granted in addition to the takes of its batch; `owed` is what the bucket owes without
   * them, in ticks.
   */
  fill(lease: Lease, units: number, reply: Reply, owed: number, takes: number): void {
    lease.pending = false
    // A reset meanwhile has ended it.
    if (units === 0 || this.#hot.get(lease.address.name) !== lease) return
    lease.free = Array.from({ length: units }, (_, slot) => slot)
    lease.slots = units + takes
    lease.owed = owed + units * lawOf(lease).interval
    lease.at = reply.sentAt
    lease.now = reply.now
  }

  /** The call that was to fill a lease failed, or went with others that cannot. */
  miss(lease: Lease): void {
    lease.pending = false
  }

  /** Takes units back into the lease that they were charged with; false if they are from elsewhere. */
  giveBack(charge: Charge, { name }: Address): boolean {
    const lease = this.#hot.get(name)
    if (lease === undefined) return false
    const { interval, resolution } = lawOf(lease)
    const last = Math.ceil((lease.owed - (charge.stamp - lease.now) * resolution) / interval)
    if (!(last >= 0 && last < lease.slots)) return false
    for (let slot = last; slot < last + charge.cost; slot++) setFree(lease.free, slot)
    return true
  }

  drop({ name }: Address): void {
    this.#hot.delete(name)
  }

  /** Is any key hot? */
  get held(): boolean {
    return this.#hot.size > 0
  }

  /** Ends the leases that were not used for a while, or all, and returns what they held, to be refunded. */
  end(now: number, all: boolean): Charge[] {
    const unspent: Charge[] = []
    for (const [name, lease] of this.#hot) {
      if (lease.pending || (!all && now - lease.used < HOT)) continue
      const { address, free } = lease
      // Only what lies at the end can be given back.
      const cost = free.filter((slot, i) => slot === i).length
      if (cost > 0)
        unspent.push({ ...newCharge(address.bucket), key: address.key, cost, stamp: endOf(0, lease) })
      lease.free = []
      this.#hot.delete(name)
    }
    return unspent
  }

  /** Was the key asked for a moment ago? */
  #see({ bucket, name }: Address, now: number): boolean {
    let print = bucket.id
    for (let i = name.length - 8; i < name.length; i++)
      print = (Math.imul(print, 31) + name.charCodeAt(i)) | 0
    const place = (print ^ (print >>> 16)) & (PLACES - 1)
    const isHot = this.#seen[place] === print && now - this.#seenAt[place] < HOT
    this.#seen[place] = print
    this.#seenAt[place] = now
    return isHot
  }
}

function lawOf({ address }: Lease): TokenBucket {
  return address.bucket.policy.law as TokenBucket
}

/** The microsecond of the server in which a slot ends: the stamp of its unit. */
function endOf(slot: number, lease: Lease): number {
  const { interval, resolution } = lawOf(lease)
  return lease.now + Math.ceil((lease.owed - slot * interval) / resolution)
}

function setFree(free: number[], slot: number): void {
  let at = free.length
  while (at > 0 && free[at - 1] > slot) at--
  if (free[at - 1] !== slot) free.splice(at, 0, slot)
}
