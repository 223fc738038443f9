import type { FastifyRequest } from 'fastify'
import type { Decision } from './decision.js'
import type { Outcome } from './outcomes.js'

/**
 * The context of one call of a store that is asked over a network, in the tracing channel
 * `'fastify-floodgate:store'` of `node:diagnostics_channel`. A call that fails has also an `error`.
 *
 * @example
 * ```js
 * import { tracingChannel } from 'node:diagnostics_channel'
 *
 * tracingChannel('fastify-floodgate:store').subscribe({
 *   error: ({ shard, error }) => console.warn(shard, error.message),
 * })
 * ```
 */
export interface StoreCallTrace {
  /** Number of the hash tag of its keys, in a Cluster with `shards`; else 0. */
  readonly shard: number
  /** Number of Redis keys that it asks about. */
  readonly keys: number
}

/**
 * The message of the channel `'fastify-floodgate:decision'` of `node:diagnostics_channel`: a decision of one
 * policy. A call that several policies allow is one event for each. A call that is denied is one event for
 * each policy that denied it.
 *
 * @example
 * ```js
 * import { subscribe } from 'node:diagnostics_channel'
 *
 * subscribe('fastify-floodgate:decision', ({ limiter, outcome, request }) => {
 *   if (outcome === 'denied') console.warn(limiter, request?.url)
 * })
 * ```
 */
export interface DecisionEvent {
  /** Name of the limiter. */
  readonly limiter: string
  /** Name of the policy. */
  readonly policy: string
  readonly outcome: Outcome
  /** The key as it is counted, in clear text. It may be an address or a secret. */
  readonly key: string
  /** Units that the call asked for. */
  readonly cost: number
  /** The decision of the policy alone. */
  readonly decision: Decision
  /** The request, where there is one. */
  readonly request?: FastifyRequest
}
