import type { Charge } from '../../../../types/index.js'
import { newCharge } from '../../charge.js'
import { after } from '../../clock.js'
import type { RedisKey } from '../keys.js'
import type { Lease, Rest } from '../local/lease.js'
import type { Leases } from '../local/leases.js'
import type { Call } from './call.js'
import { type CallContext, type DecisionCall, renewalOf } from './calls.js'
import type { Circuits } from './circuit.js'
import type { Dispatcher } from './dispatcher.js'
import type { Reply } from './reply.js'

/** How often unspent leases are looked for, in ms. */
const LEASE_CHECK = 500

export interface LeaseCallsParts {
  readonly leases: Leases
  readonly minds: CallContext
  readonly courier: Dispatcher
  readonly circuits: Circuits
  /** Local time in whole microseconds. */
  readonly clock: () => number
}

/** The calls that leases make by themselves: they ask for units, and give them back. */
export class LeaseCalls {
  readonly #parts: LeaseCallsParts
  #stopCheck: (() => void) | null = null

  constructor(parts: LeaseCallsParts) {
    this.#parts = parts
  }

  /** After a decision made here: sees to it that those to come can be made here as well. */
  renew(lease: Lease, now: number): void {
    const { leases, minds, courier, circuits } = this.#parts
    const { shard } = lease.address
    if (!circuits.of(shard).admits(now)) return
    leases.grow(lease, now)
    courier.send(shard, renewalOf(minds, lease))
  }

  /**
   * Before a call asks the store about keys: gives back what is held of them, so that it does not count
   * against the call.
   */
  release(addresses: readonly RedisKey[], now: number): boolean {
    const { leases } = this.#parts
    let isAny = false
    for (const address of addresses) {
      const lease = leases.of(address)
      const rest = lease === undefined ? null : leases.release(lease, now)
      if (rest === null) continue
      this.#send(rest)
      isAny = true
    }
    return isAny
  }

  /**
   * A call was denied: asks once more if units came here meanwhile that it could not have. Returns whether it
   * does.
   */
  askAgain(question: DecisionCall): boolean {
    const { courier, clock } = this.#parts
    if (!this.release(question.addresses, clock())) return false
    courier.send(question.addresses[0].shard, question)
    return true
  }

  /** From now on gives back what is not spent for a while. */
  watch(): void {
    this.#stopCheck ??= after(LEASE_CHECK, () => {
      this.#stopCheck = null
      this.#end(false)
      if (this.#parts.leases.held) this.watch()
    })
  }

  /** Gives back all that is held. */
  close(): void {
    this.#stopCheck?.()
    this.#stopCheck = null
    this.#end(true)
  }

  #end(all: boolean): void {
    const { leases, circuits, clock } = this.#parts
    const now = clock()
    for (const rest of leases.end(now, all)) {
      if (circuits.of(rest.lease.address.shard).admits(now)) this.#send(rest)
    }
  }

  #send(rest: Rest): void {
    const { leases, courier, clock } = this.#parts
    courier.send(rest.lease.address.shard, new Release(rest, () => leases.restore(rest, clock())))
  }
}

/** The rest of a lease on its way back. What fails may have run, and comes back by itself. */
class Release implements Call {
  readonly verb = 'release'
  /** Its cost is in ticks, and `chargedAt` the mark. */
  readonly charges: readonly Charge[]
  readonly addresses: readonly RedisKey[]
  readonly #refused: () => void

  constructor({ lease: { address }, ticks, mark }: Rest, refused: () => void) {
    this.charges = [{ ...newCharge(address.bucket), key: address.key, cost: ticks, chargedAt: mark }]
    this.addresses = [address]
    this.#refused = refused
  }

  answer(reply: Reply): void {
    if (reply.read() === 0) this.#refused()
  }

  fail(): void {}
}
