import type { Policy } from '../../types/index.js'

/** What a policy says of a call. Durations are in microseconds. */
export interface Verdict {
  readonly policy: Policy
  /** Until the call is allowed. 0 if it is. */
  readonly wait: number
  /** For which an allowed call is held. */
  readonly delay: number
  readonly remaining: number
  /** Until all units are back. */
  readonly reset: number
  readonly blocked: boolean
}

/** What one key has spent under one law. */
interface Law {
  /** Until the units of the cost are there. */
  wait(now: number, cost: number): number
  charge(now: number, cost: number): void
  refund(now: number, cost: number): void
  remaining(now: number): number
  resetAfter(now: number): number
}

export function accountOf(policy: Policy): Account {
  return new Account(policy)
}

/** One key under one policy: what it has spent, or its block. */
export class Account {
  readonly #policy: Policy
  #law: Law
  #blockedUntil = 0
  /** Blocks before, and when they are forgotten. */
  #offences = 0
  #forgottenAt = 0

  constructor(policy: Policy) {
    this.#policy = policy
    this.#law = lawOf(policy)
  }

  isBlocked(now: number): boolean {
    return now < this.#blockedUntil
  }

  verdict(now: number, cost: number): Verdict {
    const policy = this.#policy
    if (this.isBlocked(now)) {
      const left = this.#blockedUntil - now
      return { policy, wait: left, delay: 0, remaining: 0, reset: left, blocked: true }
    }
    const patience = Math.round(policy.wait * 1000)
    const wait = this.#law.wait(now, cost)
    return {
      policy,
      wait: Math.max(0, wait - patience),
      delay: wait <= patience ? wait : 0,
      remaining: this.#law.remaining(now),
      reset: this.#law.resetAfter(now),
      blocked: false,
    }
  }

  charge(now: number, cost: number): void {
    this.#law.charge(now, cost)
  }

  refund(now: number, cost: number): void {
    if (!this.isBlocked(now)) this.#law.refund(now, cost)
  }

  /** A denial: it blocks the key if the policy says so. */
  offend(now: number): void {
    const { block } = this.#policy
    if (block === null) return
    if (now >= this.#forgottenAt) this.#offences = 0
    const length = Math.min(
      Math.ceil(Math.round(block.for * 1000) * block.factor ** this.#offences),
      block.max * 1000,
    )
    this.#offences++
    // Earlier blocks are remembered to the millisecond.
    this.#forgottenAt = Math.ceil((now + length + block.forget * 1000) / 1000) * 1000
    this.block(now + length)
  }

  /** After a block the key is as new. */
  block(until: number): void {
    this.#blockedUntil = until
    this.#law = lawOf(this.#policy)
  }
}

function lawOf(policy: Policy): Law {
  if (policy.algorithm === 'token-bucket') return new Bucket(policy)
  return policy.algorithm === 'concurrency' ? new Progress(policy) : new Window(policy)
}

/**
 * Units are cut into as many parts as the period has microseconds, so that `rate` parts come back each
 * microsecond.
 */
class Bucket implements Law {
  readonly #policy: Policy
  readonly #unit: number
  #missing = 0
  #at = 0

  constructor(policy: Policy) {
    this.#policy = policy
    this.#unit = Math.round(policy.per * 1000)
  }

  wait(now: number, cost: number): number {
    const { limit, rate } = this.#policy
    if (cost === 0) return 0
    if (cost > limit) return Number.POSITIVE_INFINITY
    return Math.max(0, this.#owed(now) + (cost - limit) * this.#unit) / rate
  }

  charge(now: number, cost: number): void {
    this.#missing = this.#owed(now) + cost * this.#unit
  }

  refund(now: number, cost: number): void {
    this.#missing = Math.max(0, this.#owed(now) - cost * this.#unit)
  }

  remaining(now: number): number {
    // Units that calls wait for are missing beyond all.
    return Math.max(0, this.#policy.limit - Math.ceil(this.#owed(now) / this.#unit))
  }

  resetAfter(now: number): number {
    return this.#owed(now) === 0 ? 0 : this.#owed(now) / this.#policy.rate
  }

  #owed(now: number): number {
    this.#missing = Math.max(0, this.#missing - (now - this.#at) * this.#policy.rate)
    this.#at = now
    return this.#missing
  }
}

/** One instant for each unit, oldest first. */
class Window implements Law {
  readonly #rate: number
  readonly #window: number
  #units: number[] = []

  constructor(policy: Policy) {
    this.#rate = policy.rate
    this.#window = Math.round(policy.per * 1000)
  }

  wait(now: number, cost: number): number {
    if (cost === 0) return 0
    if (cost > this.#rate) return Number.POSITIVE_INFINITY
    const units = this.live(now)
    const tooMany = units.length + cost - this.#rate
    return tooMany <= 0 ? 0 : units[tooMany - 1] + this.#window - now
  }

  charge(now: number, cost: number): void {
    this.#units = [...this.live(now), ...new Array<number>(cost).fill(now)]
  }

  refund(now: number, cost: number): void {
    this.#units = this.live(now).slice(0, -cost || undefined)
  }

  remaining(now: number): number {
    return this.#rate - this.live(now).length
  }

  resetAfter(now: number): number {
    return (this.live(now).at(-1) ?? now - this.#window) + this.#window - now
  }

  live(now: number): number[] {
    return this.#units.filter((instant) => now - instant < this.#window)
  }
}

const SECOND = 1e6

/** Units in progress. Nobody knows when work ends, so a second stands for it. */
class Progress extends Window {
  override wait(now: number, cost: number): number {
    const wait = super.wait(now, cost)
    return wait === 0 || wait === Number.POSITIVE_INFINITY ? wait : SECOND
  }

  override resetAfter(now: number): number {
    return this.live(now).length === 0 ? 0 : SECOND
  }
}
