// A client of somebody else's API, which keeps within its limits: 10 requests a second, 5 in progress.
import { setTimeout as sleep } from 'node:timers/promises'
import { createLimiter, type DeniedError, type Limiter } from '../../lib/index.js'

/** Milliseconds. Nobody knows when a place in progress is free, so ask again soon. */
const SOON = 50

export class PartnerClient {
  readonly limiter: Limiter
  readonly #url: string

  constructor(url: string) {
    this.#url = url
    // All processes together keep within the limits where you add { store: redisStore({ client }) }.
    this.limiter = createLimiter({
      name: 'partner',
      policies: [
        // Half of the partner's burst: requests that are late on their way may come close together.
        { name: 'pace', rate: 10, per: 'second', burst: 5, wait: '30 seconds' },
        { name: 'progress', algorithm: 'concurrency', limit: 5, hold: '1 minute' },
      ],
    })
  }

  /** Gets a resource. Waits for its turn, until `signal` is aborted. */
  async get(path: string, signal = AbortSignal.timeout(60_000)): Promise<unknown> {
    for (;;) {
      const response = await this.#whenAllowed(() => this.#fetch(path, signal), signal)
      if (response !== null) return response
    }
  }

  /** Returns null where the partner turns the request away all the same. */
  async #fetch(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await fetch(new URL(path, this.#url), { signal })
    // Read all of it: until then the request is in progress.
    const body = await response.text()
    if (response.status === 429) {
      // Somebody else has spent our limit: nobody here asks again before it is back.
      const seconds = Number(response.headers.get('retry-after') ?? 1)
      this.limiter.block('partner', 1000 * Math.max(1, seconds))
      return null
    }
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return JSON.parse(body)
  }

  async #whenAllowed<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return await this.limiter.run('partner', task, { signal })
      } catch (error) {
        const { code, decision } = error as DeniedError
        if (code !== 'FST_FLOODGATE_DENIED') throw error
        const wait = decision.blocked ? decision.retryAfter : Math.min(SOON, decision.retryAfter)
        await sleep(wait, undefined, { signal })
      }
    }
  }
}
