import type { Charge } from '../../../../types/index.js'
import type { TokenBucket } from '../../../policy/index.js'
import { newCharge } from '../../charge.js'
import { bucketVerdict } from '../../verdict.js'
import type { RedisKey } from '../keys.js'
import type { Reply } from '../transport/reply.js'
import { Grant } from './lease-grant.js'

/** Most keys that are leased at a time. */
const MOST_KEYS = 10_000
/** Places for keys that were asked for of late, a power of two. */
const PLACES = 4096
/** Microseconds within which a key must be asked for again to count as hot, and after which unspent units go back. */
const HOT = 500_000
/** Part of a lease that is left when it is renewed. */
const LOW = 1 / 4

/** Units of one key that are charged in the store and may be spent here. */
export interface Lease {
  readonly address: RedisKey
  readonly law: TokenBucket
  /** What the store granted, one grant a block, the oldest first; those that are used up stay until the next grant. */
  blocks: Grant[]
  /** Units in the blocks that are not spent: counted here, as every decision asks for it. */
  held: number
  /** With so many units held or fewer more are asked for. */
  low: number
  /** Units to be held after the next call, the one included that is spent at once; doubles while the key is hot. */
  size: number
  /** A call that asks for units is under way, or about to be. */
  pending: boolean
  /** Units that the last call asks for. */
  wanted: number
  /** Last use, local time. */
  used: number
}

/**
 * Leases of token buckets. A unit charged in the store stands for a slot of one interval on the way to its tat; the units of a
 * block, which are charged together, have the last slots. A unit may be spent here as long as its slot has not begun: then serving each spent unit in its own slot is a
 * schedule that the bucket allows, so that all processes together never admit more than the law. For that the slots must stay where they
 * are: the store knows where the last leased slot ends, and a refund gives back what lies after it only, but for the return of that last
 * lease. A slot that has begun is a unit that has come back in the store, and is no longer ours. Elapsed time counts from the sending of the call, never too short.
 *
 * All of this is about slots, however many blocks they are in: those of a later block lie above those of an earlier one, so that the end
 * of the last covers all, and each slot is in one block only, and free in it once.
 *
 * A lease is renewed before it is used up, so that nobody waits for the store while it is. What is asked for is settled when the call
 * departs, and fills up what is held by then to one unit less than the lease: what is spent meanwhile is not asked for.
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

  /** The lease of a key, if it is hot. */
  of({ name }: RedisKey): Lease | undefined {
    return this.#hot.get(name)
  }

  /** Spends units of a lease and writes the verdict; false if there are not enough. */
  spend(charge: Charge, lease: Lease, now: number): boolean {
    if (lease.held === 0 || charge.cost === 0) return false
    const chargedAt = spendOldest(lease, charge.cost, now)
    if (chargedAt === 0) return false
    const { law, blocks, held } = lease
    lease.used = now
    // What is left of the lease is left to this process, and counts as not yet spent.
    const owed = blocks[blocks.length - 1].owed(now) - held * law.interval
    bucketVerdict(charge, law, Math.max(0, owed), 0, 0)
    charge.chargedAt = chargedAt
    charge.source = 'store'
    return true
  }

  /** Shall a call of its own ask for more units? Where none is left, the next take does. */
  isLow({ held, low, pending }: Lease): boolean {
    return held <= low && held > 0 && !pending
  }

  /** A call is about to ask for more units. */
  grow(lease: Lease, now: number): void {
    lease.size = now - lease.used < HOT ? Math.min(this.#most, lease.size * 2) : 1
    lease.used = now
    lease.pending = lease.size > 1
  }

  /** The lease that a call for a key shall fill; null for a key that is not hot. */
  toFill({ cost }: Charge, address: RedisKey, now: number): Lease | null {
    const lease = this.#hot.get(address.name) ?? this.#open(address, now)
    if (lease === null || lease.pending || cost !== 1) return null
    this.grow(lease, now)
    return lease.pending ? lease : null
  }

  /** A call that asks for units departs. */
  ask(lease: Lease): void {
    // Units that were given back meanwhile may have filled it up; a call that asks asks for one at least.
    lease.wanted = Math.max(1, lease.size - 1 - lease.held)
  }

  /**
   * Learns how many units a call was granted in addition to the takes of its batch; `owed` is what the bucket owes without
   * them, in ticks.
   */
  fill(lease: Lease, units: number, reply: Reply, owed: number, takes: number): void {
    lease.pending = false
    // Where little is left, what is held is spent first.
    lease.low = units < lease.wanted ? 0 : lease.size * LOW
    // A reset meanwhile has ended it.
    if (units === 0 || this.#hot.get(lease.address.name) !== lease) return
    lease.blocks = lease.blocks.filter((block) => block.units > 0)
    lease.blocks.push(new Grant(lease.law, units, takes, owed, reply))
    lease.held += units
  }

  /** The call that was to fill a lease failed, or went with others that cannot. */
  miss(lease: Lease): void {
    lease.pending = false
    lease.low = 0
  }

  /** Takes units back into the lease that they were charged with; false if they are from elsewhere. */
  giveBack({ cost, chargedAt }: Charge, { name }: RedisKey): boolean {
    const lease = this.#hot.get(name)
    const block = lease?.blocks.find((block) => block.has(chargedAt))
    if (lease === undefined || block === undefined) return false
    lease.held -= block.units
    block.giveBack(cost, chargedAt)
    lease.held += block.units
    return true
  }

  drop({ name }: RedisKey): void {
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
      const { address, blocks } = lease
      const cost = unspentAtEnd(blocks)
      if (cost > 0) {
        const chargedAt = blocks[blocks.length - 1].end
        unspent.push({ ...newCharge(address.bucket), key: address.key, cost, chargedAt })
      }
      this.#hot.delete(name)
    }
    return unspent
  }

  #open(address: RedisKey, now: number): Lease | null {
    if (!this.#see(address, now) || this.#hot.size >= MOST_KEYS) return null
    const law = address.bucket.policy.law as TokenBucket
    const lease = {
      address,
      law,
      blocks: [],
      held: 0,
      low: 0,
      size: 1,
      pending: false,
      wanted: 0,
      used: now,
    }
    this.#hot.set(address.name, lease)
    return lease
  }

  /** Was the key asked for a moment ago? */
  #see({ bucket, name }: RedisKey, now: number): boolean {
    // The loop of a key's print, over another text: as one function for both it costs 6 % of a decision from a lease.
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

/** Spends units of one block, of the oldest that has them; returns their `chargedAt`, or 0 if none has. */
function spendOldest(lease: Lease, cost: number, now: number): number {
  for (const block of lease.blocks) {
    const before = block.units
    const chargedAt = block.spend(cost, now)
    lease.held -= before - block.units
    if (chargedAt !== 0) return chargedAt
  }
  return 0
}

/** Units at the end of the last of some blocks, and of those before it that end where it begins: no others can be given back. */
function unspentAtEnd(blocks: readonly Grant[]): number {
  let units = 0
  for (let i = blocks.length - 1; i >= 0; i--) {
    units += blocks[i].unspentAtEnd
    if (i === 0 || !blocks[i].isWhole || !blocks[i].follows(blocks[i - 1])) break
  }
  return units
}
