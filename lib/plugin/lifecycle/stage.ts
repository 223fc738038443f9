import type { FastifyReply, FastifyRequest } from 'fastify'
import { takeAll } from '../../limiter/index.js'
import { checkCost } from '../../policy/index.js'
import type { AllowedClients } from '../config/allowed-clients.js'
import type { Strategies } from '../config/key-strategies.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { Warnings } from '../config/warnings.js'
import { isPromise } from '../is-promise.js'
import type { DenialReply } from '../reply/denial-reply.js'
import type { FailureReply } from '../reply/failure-reply.js'
import { refund } from '../request/refunds.js'
import {
  addCharges,
  type ChargeOwner,
  chargesOf,
  RequestCharge,
  type Role,
  tightestOf,
} from '../request/request-charge.js'
import type { Done } from './points.js'

/** The parts of a registration that its stages use. */
export interface Registration extends ChargeOwner {
  readonly strategies: Strategies
  readonly allowed: AllowedClients
  readonly warnings: Warnings
  readonly denials: DenialReply
  readonly failures: FailureReply
}

type Key = string | null

/** Limiters that decide at the same moment: all of them charge, or none. */
export class Stage {
  readonly members: readonly RequestLimiter[]
  readonly #role: Role
  readonly #registration: Registration

  constructor(members: readonly RequestLimiter[], role: Role, registration: Registration) {
    this.members = members
    this.#role = role
    this.#registration = registration
  }

  /** Decides about a request. Calls `done` if it may go on, and replies if not. */
  decide(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    const { members } = this
    // Most stages have one limiter, and need no lists of keys.
    if (members.length === 1) {
      const [member] = members
      const key = member.strategy.read(request)
      if (isKey(key)) this.#take(request, reply, this.#chargesOf(member, key, request, reply), done)
      else
        key
          .then((key) => this.#take(request, reply, this.#chargesOf(member, key, request, reply), done))
          .catch(done)
      return
    }
    const take = (keys: readonly Key[]) => {
      const charges = members.flatMap((member, i) => this.#chargesOf(member, keys[i], request, reply))
      this.#take(request, reply, charges, done)
    }
    const keys = members.map((member) => member.strategy.read(request))
    if (keys.every(isKey)) take(keys)
    else Promise.all(keys).then(take).catch(done)
  }

  #take(request: FastifyRequest, reply: FastifyReply, charges: readonly RequestCharge[], done: Done): void {
    if (charges.length === 0) return done()
    if (tightestOf(request) !== null) this.#warnOfRepeats(request, charges)
    const { store, failures } = this.#registration
    const allowed = takeAll(store, charges)
    if (typeof allowed === 'boolean') return this.#finish(request, reply, charges, allowed, done)
    allowed.then(
      (allowed) => this.#finish(request, reply, charges, allowed, done),
      (error) => failures.send(request, reply, error, done),
    )
  }

  /** A charge for each policy of a limiter; none if its client is allowed. */
  #chargesOf(
    member: RequestLimiter,
    ownKey: Key,
    request: FastifyRequest,
    reply: FastifyReply,
  ): RequestCharge[] {
    const registration = this.#registration
    const key = ownKey ?? registration.strategies.ip.read(request)
    if (registration.allowed.allows(request, key)) return []
    const { cost } = member
    const units = typeof cost === 'number' ? cost : checkCost(cost(request))
    const { name, buckets } = ownKey === null ? member.unkeyed : member.limiter
    // Most limiters have one policy: no closure is made for their requests.
    if (buckets.length === 1)
      return [new RequestCharge(buckets[0], key, units, name, this.#role, registration, reply)]
    return buckets.map(
      (bucket) => new RequestCharge(bucket, key, units, name, this.#role, registration, reply),
    )
  }

  #finish(
    request: FastifyRequest,
    reply: FastifyReply,
    charges: readonly RequestCharge[],
    allowed: boolean,
    done: Done,
  ): void {
    if (!allowed) return this.#deny(request, reply, charges, done)
    for (const charge of charges) {
      charge.charged = charge.cost
      charge.chargedBy = charge.source
    }
    const tightest = addCharges(request, charges)
    this.#registration.headers.write(reply, tightest, tightest.all)
    done()
  }

  #deny(request: FastifyRequest, reply: FastifyReply, charges: readonly RequestCharge[], done: Done): void {
    const { denials } = this.#registration
    const refunded = this.#refundEarlier(request)
    const tightest = addCharges(request, charges)
    if (!isPromise(refunded)) return denials.send(request, reply, tightest, done)
    // The request is denied, also if the refund fails.
    const deny = () => denials.send(request, reply, tightest, done)
    refunded.then(deny, deny)
  }

  /** A route's limiters are all or nothing: gives back the charges of its earlier stages. */
  #refundEarlier(request: FastifyRequest): void | Promise<void> {
    if (this.#role !== 'route' || tightestOf(request) === null) return
    return refund(chargesOf(request).filter((charge) => charge.role === 'route'))
  }

  /** Warns before the decision, because a second charge that is denied is the one to know of. */
  #warnOfRepeats(request: FastifyRequest, charges: readonly RequestCharge[]): void {
    const { warnings } = this.#registration
    if (!warnings.wants('FST_FLOODGATE_W007')) return
    for (const before of chargesOf(request)) {
      for (const { bucket, key, cost, limiter } of charges) {
        const same = bucket === before.bucket && key === before.key
        if (same && cost > 0 && before.charged > 0) warnings.once('FST_FLOODGATE_W007', limiter)
      }
    }
  }
}

function isKey(key: Key | Promise<Key>): key is Key {
  return key === null || typeof key === 'string'
}
