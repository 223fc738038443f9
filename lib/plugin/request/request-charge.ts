import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bucket, Charge, Decision, Source, Store } from '../../../types/index.js'
import { decide, tightest } from '../../limiter/index.js'

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

interface Earlier {
  readonly chargedAt: number
  readonly units: number
  readonly chargedBy: Source
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
  chargedAt = Number.POSITIVE_INFINITY
  source: Source = 'store'
  readonly limiter: string
  readonly role: Role
  /** Units that are charged at present. */
  charged = 0
  /** Who charged the last of them. */
  chargedBy: Source = 'store'
  /** Those of them that were charged before the last time, oldest first, where there was more than one. */
  earlier: Earlier[] | null = null
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

/** Makes these the entries of the request, and returns the tightest. */
export function setEntries(request: FastifyRequest, entries: Entry[]): Entry {
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
