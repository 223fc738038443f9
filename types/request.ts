import type { Decision } from './decision.js'
import type { Answer } from './options.js'

/**
 * `request.rateLimit`: the decisions about one request, and its charges.
 *
 * @example
 * ```js
 * app.get('/report', async (request) => {
 *   const { rows } = await query(request)
 *   await request.rateLimit.take(Math.ceil(rows.length / 100)) // in addition to what arrival has charged
 *   return rows
 * })
 * ```
 */
export interface RequestRateLimit {
  /** The tightest decision so far. */
  readonly decision: Decision
  /** Every policy's decision so far, the tightest first. */
  readonly decisions: readonly Decision[]
  /**
   * The decisions so far of policies that are not enforced, the tightest first. They denied nobody. Over
   * Redis nothing waits for them, so that one may be missing whose answer has not come yet.
   */
  readonly shadow: readonly Decision[]
  /** Name of the limiter that took the tightest decision. */
  readonly limiter: string
  /** The key that it counted. */
  readonly key: string
  /**
   * Charges `cost` units more (default 1), for costs that are known late. Charges every limiter that the
   * request was charged to but the guard: all or none. Shadows are charged by themselves. Updates `decision`,
   * and the headers until they are sent. Returns a promise where the store does, so await it. Throws
   * `FST_FLOODGATE_COST` for a cost that is not an integer >= 0.
   */
  take(cost?: number): Answer<Decision>
  /**
   * Gives back `cost` units to each limiter, at most and by default all that the request was charged: 3
   * charged, 5 given back, gives back 3. Never gives back to the guard. Updates `decision` and the headers.
   * Throws as `take` does. Await it.
   *
   * @example
   * ```js
   * if (isCached) await request.rateLimit.refund()
   * ```
   */
  refund(cost?: number): Answer<void>
}
