import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { StoreCallTrace } from '../../../../types/index.js'

/** Each script call, from the moment of sending to its reply or until it is given up. */
const calls = tracingChannel('fastify-floodgate:store') as TracingChannel<unknown, StoreCallTrace> & {
  // Missing in the types of Node.js 20.
  readonly hasSubscribers: boolean
}

/** Ends the trace of a call. The error is null for a reply. */
export type EndTrace = (error: Error | null) => void

/** Calls `send`, with the end of a trace if anybody traces calls, else with null. */
export function traced(shard: number, keys: number, send: (end: EndTrace | null) => void): void {
  if (!calls.hasSubscribers) return send(null)
  const run = () =>
    new Promise<void>((resolve, reject) => {
      send((error) => (error === null ? resolve() : reject(error)))
    })
  calls.tracePromise(run, { shard, keys }).catch(() => {})
}
