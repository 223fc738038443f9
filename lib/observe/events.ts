import { channel } from 'node:diagnostics_channel'
import type { Charge, DecisionEvent, Outcome } from '../../types/index.js'
import { decisionOf } from '../policy/index.js'

/** Carries each decision of each policy that allowed or denied. */
export const decisions = channel('fastify-floodgate:decision')

/** Publishes the decision of one charge. */
export function publish(charge: Charge, limiter: string, outcome: Outcome): void {
  const { bucket, key, cost, request } = charge
  const { policy } = bucket
  const decision = decisionOf(policy, charge, [policy.name])
  const event = { limiter, policy: policy.name, outcome, key, cost, decision }
  decisions.publish((request === undefined ? event : { ...event, request }) as DecisionEvent)
}
