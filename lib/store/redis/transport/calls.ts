import type { Charge } from '../../../../types/index.js'
import { newCharge } from '../../charge.js'
import type { RedisKey } from '../keys.js'
import type { DenyCache } from '../local/deny-cache.js'
import type { Fallback } from '../local/fallback.js'
import type { Lease } from '../local/lease.js'
import type { Leases } from '../local/leases.js'
import { type KeyState, readVerdicts, takeVerdict } from '../verdicts.js'
import type { Call, Take } from './call.js'
import type { Asked, Deciding } from './cross-shard.js'
import type { Reply } from './reply.js'

/** Who learns from answers, and who answers instead. */
export interface CallContext {
  readonly denials: DenyCache
  readonly leases: Leases | null
  /** Asks once more, where a denial may be due to what this process holds; returns whether it does. */
  readonly askAgain: (call: DecisionCall) => boolean
  /** Null where a failure is to be known. */
  readonly fallback: Fallback | null
}

type Resolve<Value> = (value: Value) => void
type Reject = (error: Error) => void

/** A take or a peek on its way, for whoever waits for it. A class, as one is made for every decision: closures would cost more. */
export class DecisionCall implements Take {
  readonly verb: Deciding
  readonly times: 0 | 1
  readonly charges: readonly Charge[]
  readonly addresses: readonly RedisKey[]
  readonly #minds: CallContext
  #lease: Lease | null
  /** The round of the lease in which it asks for units. */
  readonly #round: number
  #isAgain = false
  readonly #resolve: Resolve<boolean>
  readonly #reject: Reject

  constructor(
    minds: CallContext,
    verb: Deciding,
    { charges, addresses }: Asked,
    lease: Lease | null,
    resolve: Resolve<boolean>,
    reject: Reject,
    times: 0 | 1 = 1,
  ) {
    this.verb = verb
    this.times = times
    this.charges = charges
    this.addresses = addresses
    this.#minds = minds
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

  depart(): void {
    if (this.#lease?.round === this.#round) this.#minds.leases?.ask(this.#lease)
  }

  answer(reply: Reply): void {
    const known: KeyState[] = []
    const allowed = readVerdicts(this.charges, reply, this.verb === 'take', known)
    const { denials } = this.#minds
    // It went with other calls that touch its key, which cannot lease.
    this.#miss()
    if (!allowed && this.#asksAgain()) return
    if (!allowed) denials.learn(this.addresses, known)
    // Units that we spend ourselves make what we knew stale.
    else if (this.verb === 'take') denials.lift(this.addresses)
    this.#resolve(allowed)
  }

  answerTake(reply: Reply, owed: number): number {
    if (this.times === 0) return owed
    const { denials } = this.#minds
    const verdict = takeVerdict(this.charges[0], reply, owed)
    const allowed = typeof verdict === 'number'
    if (!allowed && this.#asksAgain()) return owed
    if (allowed) denials.lift(this.addresses)
    else denials.learn(this.addresses, [verdict])
    this.#resolve(allowed)
    return allowed ? verdict : owed
  }

  lease(reply: Reply, units: number, owed: number, takes: number): void {
    if (this.#lease !== null) this.#minds.leases?.fill(this.#lease, units, reply, owed, takes)
  }

  fail(error: Error): void {
    const { fallback } = this.#minds
    this.#miss()
    if (this.times === 0) return this.#reject(error)
    try {
      if (fallback === null) throw error
      this.#resolve(fallback.decide(this.verb, this.charges, () => error))
    } catch (error) {
      this.#reject(error as Error)
    }
  }

  #asksAgain(): boolean {
    if (this.#isAgain) return false
    this.#isAgain = this.#minds.askAgain(this)
    return this.#isAgain
  }

  #miss(): void {
    if (this.#lease?.round === this.#round) this.#minds.leases?.miss(this.#lease)
  }
}

/**
 * Asks for units of a lease before those that are held are used up. It charges nothing else, and nobody waits for it. It is made of
 * what takes are made of, with which it may travel: one kind of object is quicker to deal with than two.
 */
export function renewalOf(minds: CallContext, lease: Lease): DecisionCall {
  const { address } = lease
  const charges = [{ ...newCharge(address.bucket), key: address.key }]
  return new DecisionCall(minds, 'take', { charges, addresses: [address] }, lease, ignore, ignore, 0)
}

function ignore(): void {}

/** A refund or a reset on its way. */
export class UpdateCall implements Call {
  readonly verb: 'refund' | 'reset'
  readonly charges: readonly Charge[]
  readonly addresses: readonly RedisKey[]
  readonly #denials: DenyCache
  readonly #resolve: () => void
  readonly #reject: Reject

  constructor(
    denials: DenyCache,
    verb: 'refund' | 'reset',
    { charges, addresses }: Asked,
    resolve: () => void,
    reject: Reject,
  ) {
    this.verb = verb
    this.charges = charges
    this.addresses = addresses
    this.#denials = denials
    this.#resolve = resolve
    this.#reject = reject
  }

  answer(): void {
    // A denial that was under way may have been learnt meanwhile.
    this.#denials.lift(this.addresses)
    this.#resolve()
  }

  fail(error: Error): void {
    // What failed may have run.
    this.#denials.lift(this.addresses)
    this.#reject(error)
  }
}
