import type { Decision, Policy } from '../../types/index.js'

/**
 * The laws told the long way round, to check stores against: a bucket that really fills, a window that
 * remembers every unit in a list, and a clock that counts steps forward only. Times are in microseconds, and
 * all numbers are whole.
 */
export class Model {
  readonly #policies: readonly Policy[]
  readonly #accounts = new Map<string, Account[]>()
  #now = 0

  constructor(policies: readonly Policy[]) {
    this.#policies = policies
  }

  /** Model time so far. */
  get now(): number {
    return this.#now
  }

  /** Milliseconds; a step back is no time at all. */
  advance(ms: number): void {
    this.#now += Math.max(0, Math.round(ms * 1000))
  }

  take(key: string, cost: number): Decision {
    const decision = this.peek(key, cost)
    if (!decision.allowed) return decision
    for (const account of this.#of(key)) account.charge(this.#now, cost)
    return this.#decide(key, () => 0)
  }

  peek(key: string, cost: number): Decision {
    return this.#decide(key, (account) => account.wait(this.#now, cost))
  }

  refund(key: string, cost: number): void {
    for (const account of this.#of(key)) account.refund(this.#now, cost)
  }

  reset(key: string): void {
    this.#accounts.delete(key)
  }

  #of(key: string): Account[] {
    const accounts =
      this.#accounts.get(key) ??
      this.#policies.map((policy) =>
        policy.algorithm === 'token-bucket' ? new BucketAccount(policy) : new WindowAccount(policy),
      )
    this.#accounts.set(key, accounts)
    return accounts
  }

  #decide(key: string, waitOf: (account: Account) => number): Decision {
    const verdicts = this.#of(key).map((account) => ({
      policy: account.policy,
      wait: waitOf(account),
      remaining: account.remaining(this.#now),
      reset: account.resetAfter(this.#now),
    }))
    // The sort is stable: the first policy speaks where all is equal.
    const ms = (micros: number) => Math.ceil(micros / 1000)
    const [tightest] = [...verdicts].sort(
      (a, b) =>
        Number(b.wait > 0) - Number(a.wait > 0) ||
        (ms(b.wait) === ms(a.wait) ? 0 : ms(b.wait) - ms(a.wait)) ||
        a.remaining - b.remaining ||
        ms(b.reset) - ms(a.reset),
    )
    const { policy, remaining, wait } = tightest
    const common = { policy: policy.name, limit: policy.limit, remaining, resetAfter: ms(tightest.reset) }
    if (wait === 0) return { allowed: true, ...common }
    const violated = verdicts.filter((verdict) => verdict.wait > 0).map((verdict) => verdict.policy.name)
    return { allowed: false, ...common, violated, retryAfter: ms(wait) }
  }
}

/** What one key has spent under one policy. */
interface Account {
  readonly policy: Policy
  wait(now: number, cost: number): number
  charge(now: number, cost: number): void
  refund(now: number, cost: number): void
  remaining(now: number): number
  resetAfter(now: number): number
}

/**
 * Units are cut into as many parts as the period has microseconds, so that `rate` parts come back each
 * microsecond.
 */
class BucketAccount implements Account {
  readonly policy: Policy
  readonly #unit: number
  #missing = 0
  #at = 0

  constructor(policy: Policy) {
    this.policy = policy
    this.#unit = Math.round(policy.per * 1000)
  }

  wait(now: number, cost: number): number {
    const { limit, rate } = this.policy
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
    return this.policy.limit - Math.ceil(this.#owed(now) / this.#unit)
  }

  resetAfter(now: number): number {
    return this.#owed(now) === 0 ? 0 : this.#owed(now) / this.policy.rate
  }

  #owed(now: number): number {
    this.#missing = Math.max(0, this.#missing - (now - this.#at) * this.policy.rate)
    this.#at = now
    return this.#missing
  }
}

/** One instant for each unit, oldest first. */
class WindowAccount implements Account {
  readonly policy: Policy
  readonly #window: number
  #units: number[] = []

  constructor(policy: Policy) {
    this.policy = policy
    this.#window = Math.round(policy.per * 1000)
  }

  wait(now: number, cost: number): number {
    const { rate } = this.policy
    if (cost === 0) return 0
    if (cost > rate) return Number.POSITIVE_INFINITY
    const units = this.#live(now)
    const tooMany = units.length + cost - rate
    return tooMany <= 0 ? 0 : units[tooMany - 1] + this.#window - now
  }

  charge(now: number, cost: number): void {
    this.#units = [...this.#live(now), ...new Array<number>(cost).fill(now)]
  }

  refund(now: number, cost: number): void {
    this.#units = this.#live(now).slice(0, -cost || undefined)
  }

  remaining(now: number): number {
    return this.policy.rate - this.#live(now).length
  }

  resetAfter(now: number): number {
    return (this.#live(now).at(-1) ?? now - this.#window) + this.#window - now
  }

  #live(now: number): number[] {
    return this.#units.filter((instant) => now - instant < this.#window)
  }
}
