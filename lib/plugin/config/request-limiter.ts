import type { FastifyRequest } from 'fastify'
import type { HookName } from '../../../types/index.js'
import { limiterOver, type StoreLimiter } from '../../limiter/index.js'
import type { Point } from '../lifecycle/points.js'
import type { Strategy } from './key-strategies.js'

/** Units that a request costs. */
export type Cost = number | ((request: FastifyRequest) => number)

/** A limiter with what only requests have: the key strategy, the cost and the point of the decision. */
export class RequestLimiter {
  readonly limiter: StoreLimiter
  readonly strategy: Strategy
  readonly cost: Cost
  readonly point: Point
  /** The same policies in a key space of their own, for requests that have no key. */
  readonly unkeyed: StoreLimiter

  constructor(limiter: StoreLimiter, strategy: Strategy, cost: Cost, hook: HookName | undefined) {
    this.limiter = limiter
    this.strategy = strategy
    this.cost = cost
    this.point = hook ?? (strategy.onArrival ? 'arrival' : 'onRequest')
    const { name, policies, store } = limiter
    this.unkeyed = limiterOver(name, policies, store, `${name} without key`)
  }
}
