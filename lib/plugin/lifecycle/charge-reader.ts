import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StoreLimiter } from '../../limiter/index.js'
import { checkCost } from '../../policy/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import { isPromise } from '../is-promise.js'
import { RequestCharge, type Role } from '../request/request-charge.js'
import type { Registration } from './registration.js'

type Key = string | null
/** Null where a key is missing that may be there later. */
export type Charges = readonly RequestCharge[] | null

/** Reads what limiters that decide together ask about a request: keys, whether it is allowed, and costs. */
export class ChargeReader {
  readonly #members: readonly RequestLimiter[]
  readonly #role: Role
  readonly #registration: Registration

  constructor(members: readonly RequestLimiter[], role: Role, registration: Registration) {
    this.#members = members
    this.#role = role
    this.#registration = registration
  }

  /** `mayPostpone`: whether the request is asked again later if a key is missing now. */
  read(request: FastifyRequest, reply: FastifyReply, mayPostpone: boolean): Charges | Promise<Charges> {
    const members = this.#members
    // Most stages have one limiter, and need no lists of keys.
    if (members.length === 1) {
      const [member] = members
      const key = member.strategy.read(request, mayPostpone)
      if (!isKey(key)) return key.then((key) => this.#chargesOf(member, key, request, reply, mayPostpone))
      return this.#chargesOf(member, key, request, reply, mayPostpone)
    }
    const keys = members.map((member) => member.strategy.read(request, mayPostpone))
    return keys.every(isKey)
      ? this.#chargesOfAll(keys, request, reply, mayPostpone)
      : Promise.all(keys).then((keys) => this.#chargesOfAll(keys, request, reply, mayPostpone))
  }

  #chargesOfAll(
    keys: readonly Key[],
    request: FastifyRequest,
    reply: FastifyReply,
    mayPostpone: boolean,
  ): Charges | Promise<Charges> {
    if (mayPostpone && keys.includes(null)) return null
    const lists = this.#members.map((member, i) => {
      try {
        return this.#chargesOf(member, keys[i], request, reply, false)
      } catch (error) {
        // Somebody must wait for the promises of those before it.
        return Promise.reject<Charges>(error)
      }
    })
    return lists.some(isPromise) ? Promise.all(lists).then(joined) : joined(lists as Charges[])
  }

  /**
   * A charge for each policy of a limiter; none if its client is allowed or has no limit. Without a key the
   * IP is counted.
   */
  #chargesOf(
    member: RequestLimiter,
    ownKey: Key,
    request: FastifyRequest,
    reply: FastifyReply,
    mayPostpone: boolean,
  ): Charges | Promise<Charges> {
    if (ownKey === null && mayPostpone) return null
    const { strategies, allowed } = this.#registration
    const key = ownKey ?? strategies.ip.read(request)
    const limiter = (ownKey === null ? member.unkeyed : member.limiter).of(key)
    if (limiter === null) return NOBODY
    const isAllowed = allowed.allows(request, key, limiter.name)
    if (isAllowed === true) return NOBODY
    const { cost } = member
    if (isAllowed === false && typeof cost === 'number')
      return this.#chargesFor(member, limiter, key, cost, reply)
    return this.#chargesLater(member, limiter, key, request, reply, isAllowed)
  }

  /** The same where a function says the cost, or whether a client is allowed; either may return a promise. */
  #chargesLater(
    member: RequestLimiter,
    limiter: StoreLimiter,
    key: string,
    request: FastifyRequest,
    reply: FastifyReply,
    isAllowed: boolean | Promise<boolean>,
  ): Charges | Promise<Charges> {
    if (isPromise(isAllowed))
      return isAllowed.then((isAllowed) =>
        isAllowed ? NOBODY : this.#chargesLater(member, limiter, key, request, reply, false),
      )
    const { cost } = member
    const units = typeof cost === 'number' ? cost : cost(request)
    return isPromise(units)
      ? Promise.resolve(units).then((units) =>
          this.#chargesFor(member, limiter, key, checkCost(units), reply),
        )
      : this.#chargesFor(member, limiter, key, checkCost(units), reply)
  }

  #chargesFor(
    member: RequestLimiter,
    { buckets }: StoreLimiter,
    key: string,
    units: number,
    reply: FastifyReply,
  ): RequestCharge[] {
    const registration = this.#registration
    // Most limiters have one policy: no closure is made for their requests.
    if (buckets.length === 1)
      return [new RequestCharge(buckets[0], key, units, member, this.#role, registration, reply)]
    return buckets.map(
      (bucket) => new RequestCharge(bucket, key, units, member, this.#role, registration, reply),
    )
  }
}

const NOBODY: readonly RequestCharge[] = []

function joined(lists: readonly Charges[]): RequestCharge[] {
  return lists.flatMap((charges) => charges as readonly RequestCharge[])
}

function isKey(key: Key | Promise<Key>): key is Key {
  return key === null || typeof key === 'string'
}
