import type { FastifyReply } from 'fastify'
import type { Charge, HeaderFamily, Policy } from '../../../types/index.js'
import { DRAFT_11, limitItem, policyItem, resetSeconds, X_RATELIMIT } from '../../http/index.js'
import type { Internals } from '../internals.js'

/** The headers that report the limits of a request, in the families that the option `headers` names. */
export class LimitHeaders {
  readonly #internals: Internals
  readonly #classic: boolean
  readonly #draft: boolean

  constructor(families: readonly HeaderFamily[], internals: Internals) {
    this.#internals = internals
    this.#classic = families.includes('x-ratelimit')
    this.#draft = families.includes('draft-11')
  }

  /** Sets the headers for the tightest charge of a request; `all` are its charges if it has several. */
  write(reply: FastifyReply, tightest: Charge, all: readonly Charge[] | null): void {
    // No store counted the request: there are no numbers.
    if (tightest.source === 'none') return
    if (this.#classic) this.#writeClassic(reply, tightest)
    if (this.#draft) writeDraft(reply, tightest, all ?? [tightest])
  }

  #writeClassic(reply: FastifyReply, { bucket, remaining, resetAfter }: Charge): void {
    const headers = this.#internals.headers(reply)
    const limit = String(bucket.policy.limit)
    const left = String(remaining)
    const reset = String(resetSeconds(resetAfter))
    if (headers !== undefined) {
      headers[X_RATELIMIT.limit] = limit
      headers[X_RATELIMIT.remaining] = left
      headers[X_RATELIMIT.reset] = reset
    } else {
      reply.header(X_RATELIMIT.limit, limit)
      reply.header(X_RATELIMIT.remaining, left)
      reply.header(X_RATELIMIT.reset, reset)
    }
  }
}

/** The members of RateLimit-Policy, which never change. */
const policyItems = new WeakMap<Policy, string>()

/** Prepares the headers of policies before the first request. */
export function prepareHeaders(policies: readonly Policy[]): void {
  for (const policy of policies) itemOf(policy)
}

/**
 * Policies that were not prepared: copies of a store, and those of overrides. A WeakMap of 100,000 would hold
 * up garbage collection.
 */
function itemOf(policy: Policy): string {
  const known = policyItems.get(policy)
  if (known !== undefined) return known
  const item = policyItem(policy)
  policyItems.set(policy, item)
  return item
}

/**
 * Lists all policies of an allowed request, and those that denied of a denied one: `t` then agrees with
 * Retry-After.
 */
function writeDraft(reply: FastifyReply, tightest: Charge, all: readonly Charge[]): void {
  let policies = ''
  let limits = ''
  for (const charge of all) {
    if (charge.allowed !== tightest.allowed || charge.source === 'none') continue
    const { policy } = charge.bucket
    const item = itemOf(policy)
    const isFirst = charge === tightest
    policies = isFirst ? join(item, policies) : join(policies, item)
    limits = isFirst ? join(limitItem(policy, charge), limits) : join(limits, limitItem(policy, charge))
  }
  reply.header(DRAFT_11.policy, policies)
  reply.header(DRAFT_11.limit, limits)
}

function join(a: string, b: string): string {
  return a === '' || b === '' ? a + b : `${a}, ${b}`
}
