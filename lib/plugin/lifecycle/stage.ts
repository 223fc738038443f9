import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HookName } from '../../../types/index.js'
import { limiterOver, type StoreLimiter } from '../../limiter/index.js'
import { checkCost } from '../../policy/index.js'
import { isPromise, type Strategy } from '../config/keys.js'
import type { Warnings } from '../config/warnings.js'
import { refund } from '../request/refunds.js'
import { addEntries, Entry, entriesOf, entryOf, type Owner, type Role } from '../request/request-charge.js'

/** A place in the lifecycle of a request where limiters run, in this order. */
export type Point = 'arrival' | 'onRequest' | HookName

/** The places that a policy may be moved to, in this order. */
export const HOOKS: readonly HookName[] = ['preValidation', 'preHandler']

/** A limiter as requests meet it: who is counted, what a request costs, and where that is decided. */
export class RequestLimiter {
  readonly limiter: StoreLimiter
  readonly strategy: Strategy
  readonly cost: number | ((request: FastifyRequest) => number)
  readonly point: Point
  /** The same policies in a key space of their own, for requests that have no key. */
  readonly unkeyed: StoreLimiter

  constructor(
    limiter: StoreLimiter,
    strategy: Strategy,
    cost: number | ((request: FastifyRequest) => number) = 1,
    hook?: HookName,
  ) {
    this.limiter = limiter
    this.strategy = strategy
    this.cost = cost
    this.point = hook ?? (strategy.onArrival ? 'arrival' : 'onRequest')
    const { name, policies, store } = limiter
    this.unkeyed = limiterOver(name, policies, store, `${name} without key`)
  }
}

/** What a stage needs of its registration. */
export interface StageContext extends Owner {
  /** The key of those who have none. */
  readonly ip: Strategy
  readonly allowsClient: ((request: FastifyRequest, key: string) => boolean) | null
  /** Is this a request that no limiter may deny: of an allowed client, or a preflight? */
  readonly excuses: (request: FastifyRequest) => boolean
  readonly warnings: Warnings
  readonly deny: (request: FastifyRequest, reply: FastifyReply, done: Done) => void
  /** Answers a failure of the store. */
  readonly fail: (request: FastifyRequest, reply: FastifyReply, error: Error, done: Done) => void
}

export type Done = (error?: Error) => void

/** Limiters that decide at the same moment: all of them charge, or none. */
export class Stage {
  readonly members: readonly RequestLimiter[]
  readonly #role: Role
  readonly #context: StageContext

  constructor(members: readonly RequestLimiter[], role: Role, context: StageContext) {
    this.members = members
    this.#role = role
    this.#context = context
  }

  /** Decides, and goes on with `done`, or answers the request. */
  run(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    const { members } = this
    if (members.length === 1) {
      const key = members[0].strategy.read(request)
      if (key === null || typeof key === 'string') this.#decideOne(request, reply, key, done)
      else key.then((key) => this.#decideOne(request, reply, key, done)).catch(done)
      return
    }
    const keys = members.map((member) => member.strategy.read(request))
    if (keys.every((key) => key === null || typeof key === 'string'))
      this.#decideAll(request, reply, keys, done)
    else
      Promise.all(keys)
        .then((keys) => this.#decideAll(request, reply, keys, done))
        .catch(done)
  }

  #decideOne(request: FastifyRequest, reply: FastifyReply, key: string | null, done: Done): void {
    this.#settle(request, reply, this.#enter(this.members[0], request, reply, key), done)
  }

  #decideAll(
    request: FastifyRequest,
    reply: FastifyReply,
    keys: readonly (string | null)[],
    done: Done,
  ): void {
    const entries = this.members.flatMap((member, i) => this.#enter(member, request, reply, keys[i]))
    this.#settle(request, reply, entries, done)
  }

  /** An entry for each policy of a member; none if its client is allowed everything. */
  #enter(
    member: RequestLimiter,
    request: FastifyRequest,
    reply: FastifyReply,
    given: string | null,
  ): Entry[] {
    const context = this.#context
    const key = given ?? (context.ip.read(request) as string)
    if (context.allowsClient?.(request, key)) return []
    const { cost } = member
    const units = typeof cost === 'number' ? cost : checkCost(cost(request))
    const { name, buckets } = given === null ? member.unkeyed : member.limiter
    // Most limiters have one policy, and a list written like this is the cheapest there is.
    if (buckets.length === 1) return [new Entry(buckets[0], key, units, name, this.#role, context, reply)]
    return buckets.map((bucket) => new Entry(bucket, key, units, name, this.#role, context, reply))
  }

  #settle(request: FastifyRequest, reply: FastifyReply, entries: readonly Entry[], done: Done): void {
    if (entries.length === 0) return done()
    if (entryOf(request) !== null) this.#warnOfRepeats(request, entries)
    const { store, fail } = this.#context
    const answer = store.take(entries)
    if (typeof answer === 'boolean') return this.#conclude(request, reply, entries, answer, done)
    answer.then(
      (allowed) => this.#conclude(request, reply, entries, allowed, done),
      (error) => fail(request, reply, error, done),
    )
  }

  #conclude(
    request: FastifyRequest,
    reply: FastifyReply,
    entries: readonly Entry[],
    allowed: boolean,
    done: Done,
  ): void {
    if (!allowed) return this.#refuse(request, reply, entries, done)
    for (const entry of entries) {
      entry.charged = entry.cost
      entry.chargedBy = entry.source
    }
    addEntries(request, entries)
    this.#context.sendHeaders(entryOf(request) as Entry)
    done()
  }

  #refuse(request: FastifyRequest, reply: FastifyReply, entries: readonly Entry[], done: Done): void {
    const answer = this.#undo(request)
    addEntries(request, entries)
    if (!isPromise(answer)) return this.#context.deny(request, reply, done)
    // It is denied, whatever becomes of what earlier stages charged.
    const refuse = () => this.#context.deny(request, reply, done)
    answer.then(refuse, refuse)
  }

  /** Before the decision: if the second charge is denied, it is the more worth telling. */
  #warnOfRepeats(request: FastifyRequest, entries: readonly Entry[]): void {
    const { warnings } = this.#context
    if (!warnings.wants('FST_FLOODGATE_W007')) return
    for (const before of entriesOf(request)) {
      for (const { bucket, key, cost, limiter } of entries) {
        const same = bucket === before.bucket && key === before.key
        if (same && cost > 0 && before.charged > 0) warnings.once('FST_FLOODGATE_W007', limiter)
      }
    }
  }

  /** A route's limiters are all or nothing: what the earlier stages charged goes back when a later one denies. */
  #undo(request: FastifyRequest): void | Promise<void> {
    if (this.#role !== 'route' || entryOf(request) === null) return
    return refund(entriesOf(request).filter((entry) => entry.role === 'route'))
  }
}
