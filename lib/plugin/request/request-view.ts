import type { FastifyRequest } from 'fastify'
import type { Charge, Decision } from '../../../types/index.js'
import { decide, decisionOf, isTighter } from '../../limiter/index.js'
import { checkCost } from '../../policy/index.js'
import { isPromise } from '../config/keys.js'
import { addUnits, chargeOf, copyVerdict, look, refund } from './refunds.js'
import { type Entry, entriesOf, entryOf, requestDecision, setEntries } from './request-charge.js'

/** `request.rateLimit`: made when somebody reads it. */
export class RequestView {
  readonly #request: FastifyRequest

  constructor(request: FastifyRequest) {
    this.#request = request
  }

  get decision(): Decision {
    return requestDecision(this.#head)
  }

  get decisions(): readonly Decision[] {
    const entries = [...entriesOf(this.#request)].sort((a, b) => (isTighter(a, b) ? -1 : 1))
    return entries.map((entry) => decisionOf(entry.bucket.policy, entry, [entry.bucket.policy.name]))
  }

  get limiter(): string {
    return this.#head.limiter
  }

  get key(): string {
    return this.#head.key
  }

  take(cost = 1): Decision | Promise<Decision> {
    checkCost(cost)
    const entries = this.#own()
    const charges = entries.map((entry) => chargeOf(entry, cost))
    const answer = entries[0].owner.store.take(charges)
    return isPromise(answer)
      ? answer.then((allowed) => this.#taken(entries, charges, allowed))
      : this.#taken(entries, charges, answer)
  }

  refund(cost?: number): void | Promise<void> {
    if (cost !== undefined) checkCost(cost)
    const answer = refund(this.#own(), cost)
    if (isPromise(answer)) return answer.then(() => this.#update())
    this.#update()
  }

  #taken(
    entries: readonly Entry[],
    charges: readonly Charge[],
    allowed: boolean,
  ): Decision | Promise<Decision> {
    const decision = decide(charges)
    if (allowed) {
      entries.forEach((entry, i) => {
        addUnits(entry, charges[i])
      })
      this.#update()
      return this.decision
    }
    // The request itself was allowed, if it was, and still is.
    const passed = entries.map((entry) => entry.allowed)
    entries.forEach((entry, i) => {
      copyVerdict(charges[i], entry)
    })
    const answer = look(entries.filter((_, i) => passed[i]))
    if (isPromise(answer)) {
      return answer.then(() => {
        this.#update()
        return decision
      })
    }
    this.#update()
    return decision
  }

  get #head(): Entry {
    return entryOf(this.#request) as Entry
  }

  /** The entries that the application may charge and refund: those of one registration, a guard's only if it is alone. */
  #own(): readonly Entry[] {
    const entries = entriesOf(this.#request)
    const own = entries.filter((entry) => entry.role !== 'guard')
    const candidates = own.length > 0 ? own : entries
    return candidates.filter((entry) => entry.owner === candidates[0].owner)
  }

  #update(): void {
    const head = setEntries(this.#request, [...entriesOf(this.#request)])
    if (!head.reply.raw.headersSent) head.owner.sendHeaders(head)
  }
}
