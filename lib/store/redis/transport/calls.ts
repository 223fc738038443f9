import type { Charge } from '../../../../types/index.js'
import { newCharge } from '../../charge.js'
import type { RedisKey } from '../keys.js'
import type { DenyCache } from '../local/deny-cache.js'
import type { Fallback } from '../local/fallback.js'
import type { Lease } from '../local/lease.js'
import type { Leases } from '../local/leases.js'
import { isBlocking, type KeyState, readVerdicts, takeVerdict } from '../verdicts.js'
import type { Deciding, KeyedCharges } from './cross-shard.js'
import type { Reply } from './reply.js'

export type Verb = 'take' | 'peek' | 'refund' | 'reset' | 'release' | 'block'

/** One call of the store. */
export interface Call {
  readonly verb: Verb
  readonly charges: readonly Charge[]
  /** The Redis key of each charge. */
  readonly keys: readonly RedisKey[]
  /** Reads its part of the reply. */
  readReply(reply: Reply): void
  fail(error: Error): void
}

/** A call that takes; it may be a simple one. */
export interface TakeCall extends Call {
  /** Whether it charges nothing, and asks for units of a lease only. */
  readonly leaseOnly: boolean
  /** Units that it would like to lease in addition; known once it is sent. */
  readonly wanted: number
  /** Leases nothing after all. */
  dropLease(): void
  /** Called just before it is sent. */
  beforeSend(): void
  /**
   * Reads the verdict. `owed`: ticks that its bucket owed before it. Returns the ticks that it owes after it.
   */
  readTakeReply(reply: Reply, owed: number): number
  /**
   * Reads the grant of a lease of `units`. All `takes` of its key have read their verdicts. `owed`: ticks
   * that the bucket owes without the lease.
   */
  readGrant(reply: Reply, units: number, owed: number, takes: number): void
}

/** The parts of the store that a call uses when its reply comes, or when it fails. */
export interface CallContext {
  readonly denyCache: DenyCache
  readonly leases: Leases | null
  /** Asks once more, where a denial may be due to what this process holds; returns whether it does. */
  readonly askAgain: (call: DecisionCall) => boolean
  /** Begins the blocks that the denial of a take begins, then calls `done`. Null where the caller does it. */
  readonly beginBlocks: ((call: DecisionCall, done: () => void) => void) | null
  /** Null where a failure rejects. */
  readonly fallback: Fallback | null
}

type Resolve<Value> = (value: Value) => void
type Reject = (error: Error) => void

/** A take or a peek on its way. A class, because closures for each decision would cost more. */
export class DecisionCall implements TakeCall {
  readonly verb: Deciding
  readonly leaseOnly: boolean
  readonly charges: readonly Charge[]
  readonly keys: readonly RedisKey[]
  readonly #context: CallContext
  #lease: Lease | null
  /** The round of the lease in which it asks for units. */
  readonly #round: number
  #wasSentAgain = false
  readonly #resolve: Resolve<boolean>
  readonly #reject: Reject

  constructor(
    context: CallContext,
    verb: Deciding,
    { charges, keys }: KeyedCharges,
    lease: Lease | null,
    resolve: Resolve<boolean>,
    reject: Reject,
    leaseOnly = false,
  ) {
    this.verb = verb
    this.leaseOnly = leaseOnly
    this.charges = charges
    this.keys = keys
    this.#context = context
    this.#lease = lease
    this.#round = lease === null ? 0 : lease.round
    this.#resolve = resolve
    this.#reject = reject
  }

  get wanted(): number {
    const lease = this.#lease
    return lease === null || lease.round !== this.#round ? 0 : lease.wanted
  }

  dropLease(): void {
    this.#miss()
    this.#lease = null
  }

  beforeSend(): void {
    if (this.#lease?.round === this.#round) this.#context.leases?.ask(this.#lease)
  }

  readReply(reply: Reply): void {
    const states: KeyState[] = []
    const allowed = readVerdicts(this.charges, reply, this.verb === 'take', states)
    // It went with other calls that touch its key, which cannot lease.
    this.#miss()
    if (!allowed) return this.#deny(states)
    // Units that we spend ourselves make what we knew stale.
    if (this.verb === 'take') this.#context.denyCache.lift(this.keys)
    this.#resolve(true)
  }

  readTakeReply(reply: Reply, owed: number): number {
    if (this.leaseOnly) {
      if (owed < 0) this.#remember([{ at: reply.sentAt, left: -owed }])
      return owed
    }
    const verdict = takeVerdict(this.charges[0], reply, owed)
    if (typeof verdict !== 'number') {
      this.#deny([verdict])
      return owed
    }
    this.#context.denyCache.lift(this.keys)
    this.#resolve(true)
    return verdict
  }

  readGrant(reply: Reply, units: number, owed: number, takes: number): void {
    if (this.#lease !== null) this.#context.leases?.fill(this.#lease, units, reply, owed, takes)
  }

  fail(error: Error): void {
    const { fallback } = this.#context
    this.#miss()
    if (this.leaseOnly) return this.#reject(error)
    try {
      if (fallback === null) throw error
      this.#resolve(fallback.decide(this.verb, this.charges, () => error))
    } catch (error) {
      this.#reject(error as Error)
    }
  }

  #deny(states: readonly KeyState[]): void {
    if (this.#asksAgain()) return
    this.#remember(states)
    const { beginBlocks, denyCache } = this.#context
    if (beginBlocks === null || this.verb === 'peek') return this.#resolve(false)
    denyCache.note(this.charges, this.keys)
    if (this.charges.some(isBlocking)) beginBlocks(this, () => this.#resolve(false))
    else this.#resolve(false)
  }

  /** Remembers the states of keys that deny. What is held of a blocked key must not be spent. */
  #remember(states: readonly KeyState[]): void {
    const { denyCache, leases } = this.#context
    for (let i = 0; i < states.length; i++) if ('left' in states[i]) leases?.drop(this.keys[i])
    denyCache.remember(this.keys, states)
  }

  #asksAgain(): boolean {
    if (this.#wasSentAgain) return false
    this.#wasSentAgain = this.#context.askAgain(this)
    return this.#wasSentAgain
  }

  #miss(): void {
    if (this.#lease?.round === this.#round) this.#context.leases?.miss(this.#lease)
  }
}

/**
 * Asks for units of a lease before those that are held are used up. It charges nothing else, and nobody waits
 * for it. It is made of what takes are made of, with which it may travel: one kind of object is quicker to
 * deal with than two.
 */
export function renewalOf(context: CallContext, lease: Lease): DecisionCall {
  const { redisKey } = lease
  const charges = [{ ...newCharge(redisKey.bucket), key: redisKey.key }]
  return new DecisionCall(context, 'take', { charges, keys: [redisKey] }, lease, ignore, ignore, true)
}

function ignore(): void {}

/** A refund or a reset on its way. */
export class UpdateCall implements Call {
  readonly verb: 'refund' | 'reset'
  readonly charges: readonly Charge[]
  readonly keys: readonly RedisKey[]
  readonly #denyCache: DenyCache
  readonly #resolve: () => void
  readonly #reject: Reject

  constructor(
    denyCache: DenyCache,
    verb: 'refund' | 'reset',
    { charges, keys }: KeyedCharges,
    resolve: () => void,
    reject: Reject,
  ) {
    this.verb = verb
    this.charges = charges
    this.keys = keys
    this.#denyCache = denyCache
    this.#resolve = resolve
    this.#reject = reject
  }

  readReply(): void {
    // A denial that was under way may have been remembered meanwhile.
    this.#denyCache.lift(this.keys)
    this.#resolve()
  }

  fail(error: Error): void {
    // A call that failed may have run.
    this.#denyCache.lift(this.keys)
    this.#reject(error)
  }
}
