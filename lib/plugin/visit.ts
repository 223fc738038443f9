import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bucket, Charge, Decision, Source, Store } from '../../types/index.js'
import { decide, decisionOf, isTighter, tightest } from '../limiter/index.js'
import { checkCost } from '../policy/index.js'
import { newCharge } from '../store/index.js'
import { isPromise } from './keys.js'

/**
 * Who asked for a charge: the guard; the route's config, whose limiters are all or nothing; or a hook placed by hand.
 */
export type Role = 'guard' | 'route' | 'hook'

/** Of whose registration an entry is. */
export interface Owner {
  readonly store: Store
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
  source: Source = 'store'
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
    return entries.map((entry) => decisionOf(entry.bucket.policy, entry, () => [entry.bucket.policy.name]))
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

/**
 * Gives `cost` units back to each entry that was charged, at most and by default what it was, and looks at it anew. A promise
 * where the store answers with one.
 */
export function refund(entries: readonly Entry[], cost = Number.POSITIVE_INFINITY): void | Promise<void> {
  const charged = entries.filter((entry) => entry.charged > 0)
  if (charged.length === 0) return
  const answers = charged.flatMap((entry) => giveBack(entry, Math.min(cost, entry.charged)))
  const pending = [...answers, look(charged)].filter(isPromise)
  if (pending.length > 0) return Promise.all(pending).then(() => {})
}

/** Gives units of an entry back, those charged last first. */
function giveBack(entry: Entry, units: number): (void | Promise<void>)[] {
  const answers: (void | Promise<void>)[] = []
  for (let left = units; left > 0; ) {
    const last = entry.charged - sum(entry.earlier)
    const cost = Math.min(left, last)
    answers.push(entry.owner.store.refund([chargeOf(entry, cost)]))
    entry.charged -= cost
    left -= cost
    if (cost === last) entry.stamp = entry.earlier?.pop()?.stamp ?? entry.stamp
  }
  return answers
}

/** Asks for the verdicts of some entries of one owner as they are now. */
function look(entries: readonly Entry[]): void | Promise<void> {
  if (entries.length === 0) return
  const charges = entries.map((entry) => chargeOf(entry, 0))
  const update = () => {
    for (const [i, charge] of charges.entries()) copyVerdict(charge, entries[i])
  }
  const answer = entries[0].owner.store.peek(charges)
  if (isPromise(answer)) return answer.then(update)
  update()
}

/** A charge to the bucket and key of an entry: stores that answer later may be asked again before they do. */
function chargeOf({ bucket, key, stamp, source }: Entry, cost: number): Charge {
  return { ...newCharge(bucket), key, cost, stamp, source }
}

function copyVerdict(
  { allowed, remaining, resetAfter, renewAfter, retryAfter, source }: Charge,
  entry: Entry,
): void {
  Object.assign(entry, { allowed, remaining, resetAfter, renewAfter, retryAfter, source })
}

/** What a charge that was allowed adds to its entry. */
function addUnits(entry: Entry, charge: Charge): void {
  const units = entry.charged - sum(entry.earlier)
  if (units > 0) entry.earlier = [...(entry.earlier ?? []), { stamp: entry.stamp, units }]
  entry.charged += charge.cost
  entry.stamp = charge.stamp
  copyVerdict(charge, entry)
}

function sum(charges: readonly { units: number }[] | null): number {
  return charges === null ? 0 : charges.reduce((units, charge) => units + charge.units, 0)
}
