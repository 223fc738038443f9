import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bucket, Charge, Decision, RequestRateLimit, SyncStore } from '../../types/index.js'
import { decide, decisionOf, isTighter, tightest } from '../limiter/index.js'
import { checkCost } from '../policy/index.js'

/**
 * Who asked for a charge: the guard; the route's config, whose limiters are all or nothing; or a hook placed by hand.
 */
export type Role = 'guard' | 'route' | 'hook'

/** Of whose registration an entry is. */
export interface Owner {
  readonly store: SyncStore
  /** Says in the headers of a reply what the limiters made of its request, as its tightest entry tells it. */
  readonly sendHeaders: (tightest: Entry) => void
}

/** What one policy made of one request: the charge itself, and who asked for it. */
export class Entry implements Charge {
  readonly bucket: Bucket
  key: string
  cost: number
  allowed = true
  remaining = 0
  resetAfter = 0
  renewAfter = 0
  retryAfter = 0
  stamp = Number.POSITIVE_INFINITY
  readonly limiter: string
  readonly role: Role
  /** Units that are charged at present. */
  charged = 0
  /** Those of them that were charged before the last time, oldest first, where there was more than one. */
  earlier: { stamp: number; units: number }[] | null = null
  /** All entries of the request, this one included, if it is the tightest of several. */
  all: Entry[] | null = null
  readonly owner: Owner
  readonly reply: FastifyReply

  constructor(
    bucket: Bucket,
    key: string,
    cost: number,
    limiter: string,
    role: Role,
    owner: Owner,
    reply: FastifyReply,
  ) {
    this.bucket = bucket
    this.key = key
    this.cost = cost
    this.limiter = limiter
    this.role = role
    this.owner = owner
    this.reply = reply
  }
}

/** Where a request keeps its tightest entry. */
export const visit: unique symbol = Symbol('floodgate.visit')

interface Visited {
  [visit]?: Entry | null
}

export function entryOf(request: FastifyRequest): Entry | null {
  return (request as Visited)[visit] ?? null
}

/** All entries of a request, in the order of their charges. */
export function entriesOf(request: FastifyRequest): readonly Entry[] {
  const entry = entryOf(request)
  return entry === null ? [] : (entry.all ?? [entry])
}

/** Adds new entries, one or more, to the request; the tightest comes to stand for all. */
export function addEntries(request: FastifyRequest, entries: readonly Entry[]): void {
  const before = entryOf(request)
  if (before === null && entries.length === 1) (request as Visited)[visit] = entries[0]
  else setEntries(request, [...entriesOf(request), ...entries])
}

function setEntries(request: FastifyRequest, entries: Entry[]): Entry {
  for (const entry of entries) entry.all = null
  const head = tightest(entries)
  head.all = entries.length > 1 ? entries : null
  ;(request as Visited)[visit] = head
  return head
}

/** The decision of a request, as its tightest entry tells it. */
export function requestDecision(entry: Entry): Decision {
  return decide(entry.all ?? [entry])
}

/** `request.rateLimit`: made when somebody reads it. */
export class RequestView implements RequestRateLimit {
  readonly #request: FastifyRequest

  constructor(request: FastifyRequest) {
    this.#request = request
  }

  get decision(): Decision {
    return requestDecision(this.#head)
  }

  get decisions(): readonly Decision[] {
    const entries = [...entriesOf(this.#request)].sort((a, b) => (isTighter(a, b) ? -1 : 1))
    return entries.map((entry) => decisionOf(entry.bucket.policy, entry, () => [entry.bucket.policy.name]))
  }

  get limiter(): string {
    return this.#head.limiter
  }

  get key(): string {
    return this.#head.key
  }

  take(cost = 1): Decision {
    checkCost(cost)
    const entries = this.#own()
    for (const entry of entries) entry.cost = cost
    const { store } = entries[0].owner
    const passed = entries.filter((entry) => entry.allowed)
    const before = entries.map(({ stamp, charged, earlier }) => ({ stamp, units: charged - sum(earlier) }))
    if (store.take(entries)) {
      entries.forEach((entry, i) => {
        if (before[i].units > 0) entry.earlier = [...(entry.earlier ?? []), before[i]]
        entry.charged += cost
      })
      this.#update()
      return this.decision
    }
    const decision = decide(entries)
    // The request itself was allowed, if it was, and still is.
    for (const entry of passed) entry.cost = 0
    store.peek(passed)
    this.#update()
    return decision
  }

  refund(cost?: number): void {
    if (cost !== undefined) checkCost(cost)
    refund(this.#own(), cost)
    this.#update()
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

/** Gives `cost` units back to each entry that was charged, at most and by default what it was, and looks at it anew. */
export function refund(entries: readonly Entry[], cost = Number.POSITIVE_INFINITY): void {
  const charged = entries.filter((entry) => entry.charged > 0)
  if (charged.length === 0) return
  const { store } = charged[0].owner
  for (const entry of charged) giveBack(entry, Math.min(cost, entry.charged))
  for (const entry of charged) entry.cost = 0
  store.peek(charged)
}

/** Gives units of an entry back, those charged last first. */
function giveBack(entry: Entry, units: number): void {
  for (let left = units; left > 0; ) {
    const last = entry.charged - sum(entry.earlier)
    entry.cost = Math.min(left, last)
    entry.owner.store.refund([entry])
    entry.charged -= entry.cost
    left -= entry.cost
    if (entry.cost === last) entry.stamp = entry.earlier?.pop()?.stamp ?? entry.stamp
  }
}

function sum(charges: readonly { units: number }[] | null): number {
  return charges === null ? 0 : charges.reduce((units, charge) => units + charge.units, 0)
}
