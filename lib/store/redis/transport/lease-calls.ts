import type { Charge } from '../../../../types/index.js'
import { newCharge } from '../../charge.js'
import { after } from '../../clock.js'
import type { RedisKey } from '../keys.js'
import type { Lease, Rest } from '../local/lease.js'
import type { Leases } from '../local/leases.js'
import type { Call } from './calls.js'
import { type CallContext, type DecisionCall, renewalOf } from './calls.js'
import type { Circuits } from './circuit.js'
import type { Dispatcher } from './dispatcher.js'
import type { Reply } from './reply.js'

/** How often unspent leases are looked for, in ms. */
const LEASE_CHECK = 500

export interface LeaseCallsParts {
  readonly leases: Leases
  readonly context: CallContext
  readonly dispatcher: Dispatcher
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
    const { leases, context, dispatcher, circuits } = this.#parts
    const { shard } = lease.redisKey
    if (!circuits.of(shard).admits(now)) return
    leases.grow(lease, now)
    dispatcher.send(shard, renewalOf(context, lease))
  }

  /**
   * Before a call asks the store about keys: gives back what is held of them, so that it does not count
   * against the call.
   */
  release(keys: readonly RedisKey[], now: number): boolean {
    const { leases } = this.#parts
    let isAny = false
    for (const redisKey of keys) {
      const lease = leases.of(redisKey)
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
  askAgain(call: DecisionCall): boolean {
    const { dispatcher, clock } = this.#parts
    if (!this.release(call.keys, clock())) return false
    dispatcher.send(call.keys[0].shard, call)
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

  /** Other processes changed keys, nobody knows which. */
  clear(): void {
    const { leases, clock } = this.#parts
    this.#giveBack(leases.clear(clock()))
  }

  #end(all: boolean): void {
    const { leases, clock } = this.#parts
    this.#giveBack(leases.end(clock(), all))
  }

  #giveBack(rests: readonly Rest[]): void {
    const { circuits, clock } = this.#parts
    const now = clock()
    for (const rest of rests) {
      if (circuits.of(rest.lease.redisKey.shard).admits(now)) this.#send(rest)
    }
  }

  #send(rest: Rest): void {
    const { leases, dispatcher, clock } = this.#parts
    dispatcher.send(rest.lease.redisKey.shard, new Release(rest, () => leases.restore(rest, clock())))
  }
}

/** The rest of a lease on its way back. What fails may have run, and comes back by itself. */
class Release implements Call {
  readonly verb = 'release'
  /** Its cost is in ticks, and `chargedAt` the mark. */
  readonly charges: readonly Charge[]
  readonly keys: readonly RedisKey[]
  readonly #refused: () => void

  constructor({ lease: { redisKey }, ticks, mark }: Rest, refused: () => void) {
    this.charges = [{ ...newCharge(redisKey.bucket), key: redisKey.key, cost: ticks, chargedAt: mark }]
    this.keys = [redisKey]
    this.#refused = refused
  }

  readReply(reply: Reply): void {
    if (reply.read() === 0) this.#refused()
  }

  fail(): void {}
}
