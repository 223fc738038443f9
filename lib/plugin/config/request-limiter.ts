import type { ChargeRule, HookName, Policy, RoutePolicy } from '../../../types/index.js'
import type { DenialStatus } from '../../http/index.js'
import type { StoreLimiter } from '../../limiter/index.js'
import type { PolicyCounters } from '../../observe/index.js'
import type { Point } from '../lifecycle/points.js'
import type { Strategy } from './key-strategies.js'

/** Units that a request costs. */
export type Cost = NonNullable<RoutePolicy['cost']>

/** What a limiter is for requests, beside its policies: its options, checked. */
export interface RequestRules {
  readonly cost: Cost
  readonly hook: HookName | undefined
  /** Units that a request is charged in the end. Undefined: what it was charged on arrival. */
  readonly charge: ChargeRule | undefined
  /** The status of a denial. */
  readonly status: DenialStatus
}

/** What the policies of a limiter say, checked and with what they inherit. */
export interface CompiledLimiter extends RequestRules {
  readonly policies: readonly Policy[]
  readonly key: NonNullable<RoutePolicy['key']>
}

/** A limiter with what only requests have: the key strategy, the cost and the point of the decision. */
export class RequestLimiter {
  readonly limiter: StoreLimiter
  /** The same policies in a key space of their own, for requests that have no key. */
  readonly unkeyed: StoreLimiter
  readonly strategy: Strategy
  readonly point: Point
  cost: Cost
  charge: ChargeRule | undefined
  status: DenialStatus

  constructor(limiter: StoreLimiter, unkeyed: StoreLimiter, strategy: Strategy, rules: RequestRules) {
    const { cost, hook, charge, status } = rules
    this.limiter = limiter
    this.unkeyed = unkeyed
    this.strategy = strategy
    this.cost = cost
    this.point = hook ?? (strategy.onArrival ? 'arrival' : 'onRequest')
    this.charge = charge
    this.status = status
  }

  /**
   * Makes other policies and rules ready. Nothing has changed until the returned function is called, which
   * cannot fail. The strategy and the point stay.
   */
  prepare(options: CompiledLimiter): (counters: readonly PolicyCounters[]) => void {
    const { policies, cost, charge, status } = options
    const commits = [this.limiter, this.unkeyed].map((limiter) => limiter.prepare(policies))
    return (counters) => {
      for (const commit of commits) commit(counters)
      this.cost = cost
      this.charge = charge
      this.status = status
    }
  }
}
