import type { Decision, Policy } from '../../types/index.js'
import { type Account, accountOf, type Verdict } from './model-accounts.js'

/**
 * The laws told the long way round, to check stores against: a bucket that really fills, a window that
 * remembers every unit in a list, blocks that have a beginning and an end, and a clock that counts steps
 * forward only. Times are in microseconds, and all numbers are whole.
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
    const accounts = this.#of(key)
    const verdicts = accounts.map((account) => account.verdict(this.#now, cost))
    if (verdicts.every(({ wait }) => wait === 0)) {
      for (const account of accounts) account.charge(this.#now, cost)
      const after = accounts.map((account, i) => ({
        ...account.verdict(this.#now, 0),
        wait: 0,
        delay: verdicts[i].delay,
      }))
      return decide(after)
    }
    for (const [i, account] of accounts.entries()) {
      const { wait, blocked } = verdicts[i]
      if (wait > 0 && wait < Number.POSITIVE_INFINITY && !blocked) account.offend(this.#now)
    }
    // The denial that begins a block speaks of it already.
    return decide(
      accounts.map((account, i) =>
        account.isBlocked(this.#now) ? account.verdict(this.#now, cost) : verdicts[i],
      ),
    )
  }

  peek(key: string, cost: number): Decision {
    return decide(this.#of(key).map((account) => account.verdict(this.#now, cost)))
  }

  refund(key: string, cost: number): void {
    for (const account of this.#of(key)) account.refund(this.#now, cost)
  }

  reset(key: string): void {
    this.#accounts.delete(key)
  }

  /** Milliseconds. */
  block(key: string, ms: number): void {
    for (const account of this.#of(key)) account.block(this.#now + Math.round(ms * 1000))
  }

  #of(key: string): Account[] {
    const accounts = this.#accounts.get(key) ?? this.#policies.map(accountOf)
    this.#accounts.set(key, accounts)
    return accounts
  }
}

function ms(micros: number): number {
  return Math.ceil(micros / 1000)
}

function decide(verdicts: readonly Verdict[]): Decision {
  // The sort is stable: the first policy speaks where all is equal.
  const [{ policy, remaining, reset, wait, blocked }] = [...verdicts].sort(
    (a, b) =>
      Number(b.wait > 0) - Number(a.wait > 0) ||
      (ms(b.wait) === ms(a.wait) ? 0 : ms(b.wait) - ms(a.wait)) ||
      a.remaining - b.remaining ||
      ms(b.reset) - ms(a.reset),
  )
  const common = { policy: policy.name, limit: policy.limit, remaining, resetAfter: ms(reset) }
  if (wait === 0) {
    const delay = Math.max(...verdicts.map(({ delay }) => ms(delay)))
    return { allowed: true, ...common, ...(delay > 0 && { delay }) }
  }
  const violated = verdicts.filter(({ wait }) => wait > 0).map(({ policy }) => policy.name)
  return { allowed: false, ...common, violated, retryAfter: ms(wait), ...(blocked && { blocked }) }
}
