import type { FastifyRequest } from 'fastify'
import type { Charge, Decision } from '../../../types/index.js'
import { decide, isTighter, takeAll, takeShadows } from '../../limiter/index.js'
import { checkCost, decisionOf } from '../../policy/index.js'
import { isPromise } from '../is-promise.js'
import { addUnits, anotherCharge, copyVerdict, readAgain, refund } from './refunds.js'
import {
  chargesOf,
  type RequestCharge,
  requestDecision,
  setCharges,
  shadowsOf,
  tightestOf,
} from './request-charge.js'

/** `request.rateLimit`: made when the application reads it. */
export class RequestView {
  readonly #request: FastifyRequest

  constructor(request: FastifyRequest) {
    this.#request = request
  }

  get decision(): Decision {
    return requestDecision(this.#tightest)
  }

  get decisions(): readonly Decision[] {
    return decisionsOf(chargesOf(this.#request))
  }

  get shadow(): readonly Decision[] {
    return decisionsOf(shadowsOf(this.#request))
  }

  get limiter(): string {
    return this.#tightest.limiter
  }

  get key(): string {
    return this.#tightest.key
  }

  take(cost = 1): Decision | Promise<Decision> {
    checkCost(cost)
    const charges = this.#own()
    const request = this.#request
    const added = charges.map((charge) => ({ ...anotherCharge(charge, cost), request }))
    const allowed = charges.length === 0 || takeAll(charges[0].owner.store, added)
    for (const shadow of this.#ownShadows())
      takeShadows(shadow.owner.store, [{ ...anotherCharge(shadow, cost), request }], (added) =>
        added.allowed ? addUnits(shadow, added) : copyVerdict(added, shadow),
      )
    if (charges.length === 0) return this.decision
    return isPromise(allowed)
      ? allowed.then((allowed) => this.#finish(charges, added, allowed))
      : this.#finish(charges, added, allowed)
  }

  refund(cost?: number): void | Promise<void> {
    if (cost !== undefined) checkCost(cost)
    const pending = refund(this.#own(), cost)
    // Nobody waits for the units of shadows.
    for (const shadow of this.#ownShadows()) refund([shadow], cost)?.catch(() => {})
    if (isPromise(pending)) return pending.then(() => this.#update())
    this.#update()
  }

  #finish(
    charges: readonly RequestCharge[],
    added: readonly Charge[],
    allowed: boolean,
  ): Decision | Promise<Decision> {
    if (allowed) {
      for (const [i, charge] of charges.entries()) addUnits(charge, added[i])
      this.#update()
      return this.decision
    }
    const decision = decide(added)
    // A denial of more units leaves a request that was allowed as it was.
    const passed = charges.filter((charge) => charge.allowed)
    for (const [i, charge] of charges.entries()) copyVerdict(added[i], charge)
    const finish = () => {
      this.#update()
      return decision
    }
    const pending = readAgain(passed)
    return isPromise(pending) ? pending.then(finish) : finish()
  }

  get #tightest(): RequestCharge {
    return tightestOf(this.#request) as RequestCharge
  }

  /**
   * The charges that the application may change: those of one registration, but the guard's. Units in
   * progress are given back when the response is closed, and only then.
   */
  #own(): readonly RequestCharge[] {
    const own = changeable(chargesOf(this.#request))
    return own.filter(({ owner }) => owner === own[0].owner)
  }

  /** The same of the shadows. */
  #ownShadows(): readonly RequestCharge[] {
    return changeable(shadowsOf(this.#request)).filter(({ owner }) => owner === this.#tightest.owner)
  }

  #update(): void {
    const tightest = setCharges(this.#request, [...chargesOf(this.#request)])
    const { reply, owner, all } = tightest
    if (!reply.raw.headersSent) owner.headers.write(reply, tightest, all)
  }
}

function changeable(charges: readonly RequestCharge[]): RequestCharge[] {
  return charges.filter(({ role, bucket }) => role !== 'guard' && bucket.policy.algorithm !== 'concurrency')
}

/** What each policy decided by itself, the tightest first. */
function decisionsOf(charges: readonly RequestCharge[]): Decision[] {
  const sorted = [...charges].sort((a, b) => (isTighter(a, b) ? -1 : 1))
  return sorted.map((charge) => decisionOf(charge.bucket.policy, charge, [charge.bucket.policy.name]))
}
