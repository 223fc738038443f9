import type { FastifyReply, FastifyRequest } from 'fastify'
import { apart, denyDelayed, mayBeShadows, takeAll, takeShadows } from '../../limiter/index.js'
import { conclude } from '../../observe/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import { asError } from '../errors.js'
import { isPromise } from '../is-promise.js'
import { giveAllBack, refund } from '../request/refunds.js'
import {
  addCharges,
  addShadow,
  chargesOf,
  type RequestCharge,
  type Role,
  shadowsOf,
  tightestOf,
} from '../request/request-charge.js'
import { isInProgress, isProvisional, settleLater } from '../request/settlement.js'
import type { Decider } from '../routes/plan.js'
import { ChargeReader, type Charges } from './charge-reader.js'
import type { Done } from './points.js'
import type { Registration } from './registration.js'

/** Whether nothing is left to do once they are allowed: they neither wait nor are settled later. */
function areFinal(charges: readonly RequestCharge[]): boolean {
  for (let i = 0; i < charges.length; i++)
    if (charges[i].bucket.policy.wait > 0 || isProvisional(charges[i])) return false
  return true
}

/** Limiters that decide at the same moment: all of them charge, or none. */
export class Stage implements Decider {
  readonly members: readonly RequestLimiter[]
  readonly #role: Role
  readonly #registration: Registration
  readonly #reader: ChargeReader

  constructor(members: readonly RequestLimiter[], role: Role, registration: Registration) {
    this.members = members
    this.#role = role
    this.#registration = registration
    this.#reader = new ChargeReader(members, role, registration)
  }

  /** As `Decider.decide`. Limiters that decide together are postponed together. */
  decide(
    request: FastifyRequest,
    reply: FastifyReply,
    done: Done,
    postpone: (() => void) | null = null,
  ): void {
    const charges = this.#read(request, reply, done, postpone !== null)
    if (charges === undefined) return
    if (!isPromise(charges)) return this.#goOn(request, reply, charges, done, postpone)
    charges
      .then((charges) => this.#goOn(request, reply, charges, done, postpone))
      .catch((error) => this.#fail(request, error, done))
  }

  /** Undefined where that failed. */
  #read(
    request: FastifyRequest,
    reply: FastifyReply,
    done: Done,
    mayPostpone: boolean,
  ): Charges | Promise<Charges> | undefined {
    try {
      return this.#reader.read(request, reply, mayPostpone)
    } catch (error) {
      this.#fail(request, error, done)
    }
  }

  /** A function of the user's failed. A request does not fail because of limiters that only count it. */
  #fail(request: FastifyRequest, error: unknown, done: Done): void {
    const limiters = this.members.map(({ limiter }) => limiter)
    const names = limiters.map(({ name }) => name).join(', ')
    if (!limiters.every(({ isShadow }) => isShadow)) return done(asError(error, names))
    request.log.error({ err: error }, 'shadow failed')
    done()
  }

  #goOn(
    request: FastifyRequest,
    reply: FastifyReply,
    charges: Charges,
    done: Done,
    postpone: (() => void) | null,
  ): void {
    if (charges === null) postpone?.()
    else if (charges.length === 0) done()
    else this.#take(request, reply, charges, done)
  }

  #take(request: FastifyRequest, reply: FastifyReply, charges: readonly RequestCharge[], done: Done): void {
    if (!mayBeShadows(charges)) return this.#enforce(request, reply, charges, null, done)
    const { enforced, shadows } = apart(charges)
    if (enforced.length > 0) return this.#enforce(request, reply, enforced, shadows, done)
    this.#takeShadows(request, reply, shadows)
    done()
  }

  #enforce(
    request: FastifyRequest,
    reply: FastifyReply,
    charges: readonly RequestCharge[],
    shadows: readonly RequestCharge[] | null,
    done: Done,
  ): void {
    if (tightestOf(request) !== null) this.#warnOfRepeats(request, charges)
    const { store, failures } = this.#registration
    const isFinal = areFinal(charges)
    const allowed = takeAll(store, charges, !isFinal)
    // In the same turn, and before the request goes on.
    if (shadows !== null) this.#takeShadows(request, reply, shadows)
    if (typeof allowed === 'boolean') return this.#finish(request, reply, charges, allowed, isFinal, done)
    allowed
      .then(
        (allowed) => this.#finish(request, reply, charges, allowed, isFinal, done),
        (error) => failures.send(request, reply, error, done),
      )
      .catch(done)
  }

  /** What shadows decide changes nothing. Their units go back when those of other policies do. */
  #takeShadows(request: FastifyRequest, reply: FastifyReply, shadows: readonly RequestCharge[]): void {
    const { store, permits } = this.#registration
    takeShadows(store, shadows, (charge) => {
      addShadow(request, charge)
      if (!charge.allowed) return
      charge.charged = charge.cost
      charge.chargedBy = charge.source
      if (isInProgress(charge)) charge.permit = permits.open([charge])
      if (isProvisional(charge)) settleLater(request, reply, charge)
    })
  }

  #finish(
    request: FastifyRequest,
    reply: FastifyReply,
    charges: readonly RequestCharge[],
    allowed: boolean,
    isFinal: boolean,
    done: Done,
  ): void {
    if (!allowed) return this.#deny(request, reply, charges, done)
    for (const charge of charges) {
      charge.charged = charge.cost
      charge.chargedBy = charge.source
    }
    if (!isFinal && this.#holds(request, reply, charges, done)) return
    this.#pass(request, reply, charges, done)
  }

  #pass(request: FastifyRequest, reply: FastifyReply, charges: readonly RequestCharge[], done: Done): void {
    const tightest = addCharges(request, charges)
    this.#registration.headers.write(reply, tightest, tightest.all)
    done()
  }

  /**
   * Does what is left for an allowed request of policies that count what is in progress, are charged by the
   * outcome, or let wait. Returns whether the request waits, or was denied because too many wait.
   */
  #holds(
    request: FastifyRequest,
    reply: FastifyReply,
    charges: readonly RequestCharge[],
    done: Done,
  ): boolean {
    let delay = 0
    for (const charge of charges) {
      if (isInProgress(charge)) charge.permit = this.#registration.permits.open([charge])
      if (isProvisional(charge)) settleLater(request, reply, charge)
      delay = Math.max(delay, charge.delay)
    }
    if (delay === 0) return false
    const undo = () => giveAllBack([...charges, ...this.#earlier(request), ...this.#shadows(request)])
    const pass = () => {
      try {
        this.#pass(request, reply, charges, done)
      } catch (error) {
        // A timer calls this, and what it throws would end the process.
        done(error as Error)
      }
    }
    if (this.#registration.held.hold(request, reply, delay, pass, undo)) {
      conclude(charges, true)
      return true
    }
    giveAllBack(charges)
    denyDelayed(
      charges,
      charges.map(({ delay }) => delay),
    )
    conclude(charges, false)
    this.#deny(request, reply, charges, done)
    return true
  }

  #deny(request: FastifyRequest, reply: FastifyReply, charges: readonly RequestCharge[], done: Done): void {
    const { denials } = this.#registration
    const refunded = this.#refundEarlier(request)
    const tightest = addCharges(request, charges)
    if (!isPromise(refunded)) return denials.send(request, reply, tightest, done)
    // The request is denied, also if the refund fails.
    const deny = () => denials.send(request, reply, tightest, done)
    refunded.then(deny, deny).catch(done)
  }

  /** A route's limiters are all or nothing: gives back the charges of its earlier stages. */
  #refundEarlier(request: FastifyRequest): void | Promise<void> {
    if (tightestOf(request) !== null) return refund(this.#earlier(request))
  }

  /** The charges of the route's limiters that ran before. */
  #earlier(request: FastifyRequest): readonly RequestCharge[] {
    return this.#role === 'route' ? chargesOf(request).filter((charge) => charge.role === 'route') : []
  }

  /** The shadows of these limiters, and of those of the route that ran before. */
  #shadows(request: FastifyRequest): readonly RequestCharge[] {
    const isRoute = this.#role === 'route'
    return shadowsOf(request).filter(({ role, member }) =>
      isRoute ? role === 'route' : this.members.includes(member),
    )
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
