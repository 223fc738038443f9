import type { Bucket, Charge, Decision, Denied, Store } from '../../types/index.js'
import { conclude } from '../observe/index.js'
import type { After } from '../store/index.js'
import { decide, decideEnforced, longestDelay } from './charges.js'
import { deniedError } from './errors.js'
import { type Permit, Permits } from './permits.js'
import { apart, ShadowUnits } from './shadows.js'
import { takeAll } from './take.js'
import { denyDelayed, Waits } from './waits.js'

/** How a limiter holds calls, and its timers. Tests have timers of their own. */
export interface Timing {
  /** Most calls that wait at a time. */
  readonly maxWaiting?: number
  /** For delays. Default: timers that keep the process alive. */
  readonly afterWait?: After
  /** For renewals. Default: timers that keep no process alive. */
  readonly after?: After
}

const MAX_WAITING = 1000

/** What a limiter does over time: holds calls for their delay, and runs work that has units in progress. */
export class Runner {
  readonly #name: string
  readonly #store: Store
  readonly #waits: Waits
  readonly #permits: Permits

  constructor(name: string, store: Store, { maxWaiting = MAX_WAITING, afterWait, after }: Timing) {
    this.#name = name
    this.#store = store
    this.#waits = new Waits(maxWaiting, afterWait)
    this.#permits = new Permits(store, after)
  }

  /** As `Limiter.lost`. */
  get lost(): number {
    return this.#permits.lost
  }

  /** Calls that wait now. */
  get waiting(): number {
    return this.#waits.waiting
  }

  /** As `Limiter.wait`, with charges that no other call uses. */
  async wait(charges: readonly Charge[], signal: AbortSignal | undefined): Promise<Decision> {
    const { enforced, shadows } = apart(charges)
    // Units in progress stay taken until they are given back by hand.
    const units = new ShadowUnits(this.#store, null)
    if (!(await this.#take(enforced, shadows, units, signal))) return decide(enforced)
    if (enforced.length === 0) return decideEnforced(enforced, charges)
    return this.#hold(enforced, () => this.#store.refund(enforced), units, signal)
  }

  /** As `Limiter.run`, with charges that no other call uses. */
  async run<T>(
    charges: readonly Charge[],
    task: () => T | PromiseLike<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { enforced, shadows } = apart(charges)
    const units = new ShadowUnits(this.#store, this.#permits)
    let permit: Permit | null = null
    try {
      if (!(await this.#take(enforced, shadows, units, signal)))
        throw this.#denied(decide(enforced) as Denied)
      permit = this.#permits.open(enforced)
      if (enforced.length > 0) await this.#holdRun(enforced, permit, units, signal)
      return await task()
    } finally {
      units.end()
      await permit?.release()
    }
  }

  /** Holds a call of `run` for its delay. Throws where it may not go on after all. */
  async #holdRun(
    charges: readonly Charge[],
    permit: Permit | null,
    units: ShadowUnits,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const giveBack = async () => {
      const others = charges.filter(({ bucket }) => permit === null || !countsProgress(bucket))
      await Promise.all([this.#store.refund(others), permit?.release()])
    }
    const decision = await this.#hold(charges, giveBack, units, signal)
    if (!decision.allowed) throw this.#denied(decision)
  }

  async #take(
    charges: readonly Charge[],
    shadows: readonly Charge[],
    units: ShadowUnits,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    signal?.throwIfAborted()
    const answer = charges.length === 0 || takeAll(this.#store, charges, true)
    units.take(shadows)
    const allowed = await answer
    if (signal?.aborted !== true) return allowed
    units.giveBack()
    if (allowed) await this.#store.refund(charges)
    if (allowed && longestDelay(charges) > 0) conclude(charges, true)
    throw signal.reason
  }

  /**
   * Holds a call for the delay of its decision. Calls `giveBack` if the call gives up, or if too many wait,
   * which is then a denial.
   */
  async #hold(
    charges: readonly Charge[],
    giveBack: () => void | Promise<void>,
    shadows: ShadowUnits,
    signal: AbortSignal | undefined,
  ): Promise<Decision> {
    const decision = decide(charges)
    if (!decision.allowed || decision.delay === undefined) return decision
    const delay = decision.delay
    const outcome = await new Promise<'go' | 'aborted' | 'full'>((resolve) => {
      const end = this.#waits.hold(delay, () => {
        signal?.removeEventListener('abort', abort)
        resolve('go')
      })
      const abort = () => {
        end?.()
        resolve('aborted')
      }
      if (end === null) return resolve('full')
      conclude(charges, true)
      signal?.addEventListener('abort', abort, { once: true })
    })
    if (outcome === 'go') return decision
    const delays = charges.map((charge) => charge.delay)
    if (outcome === 'aborted') shadows.giveBack()
    await giveBack()
    if (outcome === 'aborted') throw signal?.reason
    // Read again, so that the verdict does not include the units that were given back.
    await this.#store.peek(charges)
    denyDelayed(charges, delays)
    conclude(charges, false)
    return decide(charges)
  }

  #denied(decision: Denied): Error {
    const { retryAfter } = decision
    const cure = retryAfter === Number.POSITIVE_INFINITY ? 'no wait helps' : `try again in ${retryAfter} ms`
    return deniedError(429, `the limiter '${this.#name}' denied a call: ${cure}`, decision)
  }
}

function countsProgress({ policy }: Bucket): boolean {
  return policy.algorithm === 'concurrency'
}
