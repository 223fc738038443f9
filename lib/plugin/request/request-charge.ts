import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bucket, Charge, Decision, Source, Store } from '../../../types/index.js'
import { decide, type Permit, tightest } from '../../limiter/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { LimitHeaders } from '../reply/limit-headers.js'

/** Who asked for a charge: the guard, the route's config, or a hook placed by hand. */
export type Role = 'guard' | 'route' | 'hook'

/** The registration that a charge belongs to: the store that counts it, and the headers that report it. */
export interface ChargeOwner {
  readonly store: Store
  readonly headers: LimitHeaders
}

interface EarlierCharge {
  readonly chargedAt: number
  readonly units: number
  readonly chargedBy: Source
}

/** One policy's charge for one request, and what the request has taken of it so far. */
export class RequestCharge implements Charge {
  readonly bucket: Bucket
  key: string
  cost: number
  allowed = true
  remaining = 0
  resetAfter = 0
  renewAfter = 0
  retryAfter = 0
  delay = 0
  blocked = false
  first = false
  chargedAt = Number.POSITIVE_INFINITY
  source: Source = 'store'
  /** The limiter that charges. */
  readonly member: RequestLimiter
  readonly role: Role
  /** Units that are charged at present. */
  charged = 0
  /** The source of the last of these units. */
  chargedBy: Source = 'store'
  /**
   * The units that were charged before the last time, oldest first; null where the request was charged once.
   */
  earlier: EarlierCharge[] | null = null
  /** Where the request has several charges, the tightest holds them all, itself included. */
  all: RequestCharge[] | null = null
  /** Its units in progress, of a policy that counts those. */
  permit: Permit | null = null
  readonly owner: ChargeOwner
  readonly reply: FastifyReply

  constructor(
    bucket: Bucket,
    key: string,
    cost: number,
    member: RequestLimiter,
    role: Role,
    owner: ChargeOwner,
    reply: FastifyReply,
  ) {
    this.bucket = bucket
    this.key = key
    this.cost = cost
    this.member = member
    this.role = role
    this.owner = owner
    this.reply = reply
  }

  get request(): FastifyRequest {
    return this.reply.request
  }

  get limiter(): string {
    return this.member.limiter.name
  }
}

/** The property of a request that holds its tightest charge. */
export const requestCharges: unique symbol = Symbol('floodgate.charges')

interface ChargedRequest {
  [requestCharges]?: RequestCharge | null
}

/** The tightest charge of a request, or null if no limiter has decided yet. */
export function tightestOf(request: FastifyRequest): RequestCharge | null {
  return (request as ChargedRequest)[requestCharges] ?? null
}

/** All charges of a request, in their order. */
export function chargesOf(request: FastifyRequest): readonly RequestCharge[] {
  const charge = tightestOf(request)
  return charge === null ? [] : (charge.all ?? [charge])
}

/** Adds new charges, one or more, to a request. Returns its tightest charge. */
export function addCharges(request: FastifyRequest, charges: readonly RequestCharge[]): RequestCharge {
  if (charges.length > 1 || tightestOf(request) !== null)
    return setCharges(request, [...chargesOf(request), ...charges])
  ;(request as ChargedRequest)[requestCharges] = charges[0]
  return charges[0]
}

/** The property of a request that holds the charges of shadows which have decided. */
const shadowCharges: unique symbol = Symbol('floodgate.shadows')

interface ShadowedRequest {
  [shadowCharges]?: RequestCharge[]
}

/** The charges of a request that only count it, in the order of their verdicts. */
export function shadowsOf(request: FastifyRequest): readonly RequestCharge[] {
  return (request as ShadowedRequest)[shadowCharges] ?? []
}

export function addShadow(request: FastifyRequest, charge: RequestCharge): void {
  ;(request as ShadowedRequest)[shadowCharges] = [...shadowsOf(request), charge]
}

/** Makes these the charges of the request. Returns the tightest. */
export function setCharges(request: FastifyRequest, charges: RequestCharge[]): RequestCharge {
  for (const charge of charges) charge.all = null
  const first = tightest(charges)
  first.all = charges.length > 1 ? charges : null
  ;(request as ChargedRequest)[requestCharges] = first
  return first
}

/** The decision about a request, from its tightest charge. */
export function requestDecision(charge: RequestCharge): Decision {
  return decide(charge.all ?? [charge])
}
