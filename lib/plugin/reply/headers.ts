import type { onSendHookHandler } from 'fastify'
import type { HeaderFamily, Policy } from '../../../types/index.js'
import {
  DRAFT_11,
  exposeHeaders,
  FAMILIES,
  limitItem,
  policyItem,
  resetSeconds,
  X_RATELIMIT,
} from '../../http/index.js'
import type { Internals } from '../internals.js'
import { type Entry, entryOf } from '../request/request-charge.js'

/** Writes the headers of some families, of which there may be none. */
export function headerWriter(
  families: readonly HeaderFamily[],
  internals: Internals,
): (tightest: Entry) => void {
  const classic = families.includes('x-ratelimit')
  const draft = families.includes('draft-11')
  if (!classic && !draft) return () => {}
  return (tightest) => {
    // Nobody counted, so there is nothing to tell.
    if (tightest.source === 'none') return
    if (classic) writeClassic(tightest, internals)
    if (draft) writeDraft(tightest)
  }
}

function writeClassic({ reply, bucket, remaining, resetAfter }: Entry, internals: Internals): void {
  const headers = internals.headers(reply)
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

/** The members of RateLimit-Policy, which never change. */
const policyItems = new WeakMap<Policy, string>()

/** Makes what can be made of the headers of policies before the first request. */
export function prepareHeaders(policies: readonly Policy[]): void {
  for (const policy of policies) policyItems.set(policy, policyItem(policy))
}

/** All policies on success; of a denial those that denied, so that `t` never disagrees with Retry-After. */
function writeDraft(tightest: Entry): void {
  const { reply, all, allowed } = tightest
  let policies = ''
  let limits = ''
  for (const entry of all ?? [tightest]) {
    if (entry.allowed !== allowed || entry.source === 'none') continue
    const { policy } = entry.bucket
    const first = entry === tightest
    // A store may hand out a policy that is no longer the object that was prepared.
    const item = policyItems.get(policy) ?? policyItem(policy)
    // The tightest leads.
    policies = first ? join(item, policies) : join(policies, item)
    limits = first ? join(limitItem(policy, entry), limits) : join(limits, limitItem(policy, entry))
  }
  reply.header(DRAFT_11.policy, policies)
  reply.header(DRAFT_11.limit, limits)
}

function join(a: string, b: string): string {
  return a === '' || b === '' ? a + b : `${a}, ${b}`
}

const EXPOSE = 'access-control-expose-headers'

/** An `onSend` hook, by which time every CORS plugin has said what it exposes: adds the headers that the reply carries. */
export function exposeOnSend(families: readonly HeaderFamily[]): onSendHookHandler {
  const names = families.flatMap((family) => FAMILIES[family])
  return (request, reply, _payload, done) => {
    if (entryOf(request) !== null) {
      const sent = reply.hasHeader('retry-after') ? [...names, 'retry-after'] : names
      if (sent.length > 0)
        reply.header(EXPOSE, exposeHeaders(reply.getHeader(EXPOSE) as string | undefined, sent))
    }
    done()
  }
}
