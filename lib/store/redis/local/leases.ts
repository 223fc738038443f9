import type { Charge } from '../../../../types/index.js'
import type { RedisKey } from '../keys.js'
import type { Reply } from '../transport/reply.js'
import { allow, type Lease, newLease, type Rest, spendOldest, unitsOf } from './lease.js'
import { Grant } from './lease-grant.js'

/** Most keys that are leased at a time. */
const MOST_KEYS = 10_000
/** Places for keys that were asked for of late, a power of two. */
const PLACES = 4096
/**
 * Microseconds within which a key must be asked for again to count as hot, and after which unspent units go
 * back.
 */
const HOT = 500_000
/** Part of a lease that is left when it is renewed. */
const LOW = 1 / 4

/**
 * Leases of token buckets. A unit charged in the store stands for a slot of one interval on the way to its
 * tat; the units of a grant, which are charged together, have the last slots. A unit may be spent here in a
 * slot of its grant that has not begun: then serving each spent unit in its own slot is a schedule that the
 * bucket allows, so that all processes together never admit more than the law. For that the grants must stay
 * where they are: the store knows where the last one ends (its mark), and a refund gives back what lies after
 * it only. Elapsed time counts from the sending of the call, never too short.
 *
 * All of this is about slots, however many grants they are in: those of a later grant lie above those of an
 * earlier one, so that the mark of the last covers all, and each slot is in one grant only, and free in it
 * once.
 *
 * Where a call needs the store although units are held here, they go back first, in the same batch: else they
 * would deny what the key still has. The store takes back what lies at its mark: below it others may hold
 * units.
 *
 * A lease is renewed before it is used up, so that nobody waits for the store while it is. What is asked for
 * is settled when the call departs, and fills up what is held by then to one unit less than the lease: what
 * is spent meanwhile is not asked for.
 */
export class Leases {
  readonly #most: number
  /** Those of keys that are hot: they hold units, will when a call is answered, or did a moment ago. */
  readonly #hot = new Map<string, Lease>()
  /**
   * Which key asked last in each place, by a part of its digest, and when: a flood of cold keys leaves
   * nothing to collect.
   */
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
    lease.held = unitsOf(lease.grants, now)
    if (chargedAt === 0) return false
    lease.used = now
    charge.chargedAt = chargedAt
    allow(charge, lease, now)
    return true
  }

  /** Whether units of a lease cover a call that charges nothing now; writes the verdict if they do. */
  covers(charge: Charge, lease: Lease, now: number): boolean {
    lease.held = unitsOf(lease.grants, now)
    if (lease.held === 0 || lease.held < charge.cost) return false
    allow(charge, lease, now)
    return true
  }

  /** Whether to renew it by a call of its own. Where no unit is left, the next take renews it. */
  isLow({ held, low, pending }: Lease): boolean {
    return held <= low && held > 0 && !pending
  }

  /** A call is about to ask for more units. */
  grow(lease: Lease, now: number): void {
    lease.size = now - lease.used < HOT ? Math.min(this.#most, lease.size * 2) : 1
    lease.used = now
    lease.pending = lease.size > 1
    lease.isSent = false
    lease.round++
  }

  /** The lease that a call for a key asks units for; null for a key that is not hot. */
  toFill({ cost }: Charge, redisKey: RedisKey, now: number): Lease | null {
    // A key that is asked for several units at once would only keep a place from others.
    if (cost !== 1) return null
    const lease = this.#hot.get(redisKey.name) ?? this.#open(redisKey, now)
    if (lease === null || lease.pending) return null
    this.grow(lease, now)
    return lease.pending ? lease : null
  }

  /** A call that asks for units departs. */
  ask(lease: Lease): void {
    // Units that were given back meanwhile may have filled it up; a call that asks asks for one at least.
    lease.wanted = Math.max(1, lease.size - 1 - lease.held)
    lease.isSent = true
  }

  /**
   * Takes over the units that a call was granted in addition to the takes of its batch; `owed` is what the
   * bucket owes without them, in ticks.
   */
  fill(lease: Lease, units: number, reply: Reply, owed: number, takes: number): void {
    lease.pending = false
    // Where little is left, what is held is spent first.
    lease.low = units < lease.wanted ? 0 : lease.size * LOW
    // A reset meanwhile has ended it.
    if (units === 0 || this.#hot.get(lease.redisKey.name) !== lease) return
    const grant = new Grant(lease.law, units, takes, owed, reply)
    if (lease.grants.at(-1)?.join(grant) !== true) {
      lease.grants = lease.grants.filter((grant) => grant.units(reply.sentAt) > 0)
      lease.grants.push(grant)
    }
    lease.held = unitsOf(lease.grants, reply.sentAt)
  }

  /** The call that was to fill a lease failed, or went with others that cannot. */
  miss(lease: Lease): void {
    lease.pending = false
    lease.low = 0
  }

  /** Takes units back into the lease that they were charged with; false if they are from elsewhere. */
  giveBack({ cost, chargedAt }: Charge, { name }: RedisKey, now: number): boolean {
    const lease = this.#hot.get(name)
    const grant = lease?.grants.find((grant) => grant.has(chargedAt))
    if (lease === undefined || grant === undefined) return false
    grant.giveBack(cost, chargedAt)
    lease.held = unitsOf(lease.grants, now)
    return true
  }

  /** Takes out of a lease what the store may take back; null where that is nothing. */
  release(lease: Lease, now: number): Rest | null {
    const grant = lease.grants.at(-1)
    if (grant === undefined || grant.isBuried || grant.owed(now) <= 0) return null
    // What is under way will lie above it.
    if (lease.pending && lease.isSent) return null
    const { mark } = grant
    const ticks = grant.cut()
    if (ticks === 0) return null
    lease.pending = false
    lease.round++
    lease.held = unitsOf(lease.grants, now)
    return { lease, grant, ticks, mark }
  }

  /** The store did not take back a rest: it may be spent here as before. */
  restore({ lease, grant, ticks }: Rest, now: number): void {
    grant.restore(ticks)
    lease.held = unitsOf(lease.grants, now)
  }

  drop({ name }: Pick<RedisKey, 'name'>): void {
    this.#hot.delete(name)
  }

  /** Whether any key is hot. */
  get held(): boolean {
    return this.#hot.size > 0
  }

  /** Ends the leases that were not used for a while, or all, and returns what they held. */
  end(now: number, all: boolean): Rest[] {
    const rests: Rest[] = []
    for (const [name, lease] of this.#hot) {
      if (lease.pending || (!all && now - lease.used < HOT)) continue
      const rest = this.release(lease, now)
      if (rest !== null) rests.push(rest)
      this.#hot.delete(name)
    }
    return rests
  }

  /** Ends all of them, also those that a call is to fill. Returns what may go back of what they held. */
  clear(now: number): Rest[] {
    const rests = this.end(now, true)
    this.#hot.clear()
    return rests
  }

  #open(redisKey: RedisKey, now: number): Lease | null {
    if (!this.#see(redisKey, now) || this.#hot.size >= MOST_KEYS) return null
    const lease = newLease(redisKey, now)
    this.#hot.set(redisKey.name, lease)
    return lease
  }

  /** Whether the key was asked for within the last half second. */
  #see({ bucket, name }: RedisKey, now: number): boolean {
    // The loop of a key's place, over another text: as one function for both it costs 6 % of a decision from
    // a lease.
    let fingerprint = bucket.id
    for (let i = name.length - 8; i < name.length; i++)
      fingerprint = (Math.imul(fingerprint, 31) + name.charCodeAt(i)) | 0
    const place = (fingerprint ^ (fingerprint >>> 16)) & (PLACES - 1)
    const isHot = this.#seen[place] === fingerprint && now - this.#seenAt[place] < HOT
    this.#seen[place] = fingerprint
    this.#seenAt[place] = now
    return isHot
  }
}
