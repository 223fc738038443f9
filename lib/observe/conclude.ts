import type { Charge } from '../../types/index.js'
import type { PolicyCounters } from './counters.js'
import type { DenialListeners } from './denial-listeners.js'
import { decisions, publish } from './events.js'

/**
 * Concludes a decision: counts it, publishes it, and has its denials heard. All that happens because
 * something was decided happens here. `allowed`: whether all charges were. A denial is counted where it was
 * made, as it charged no other policy.
 */
export function conclude(charges: readonly Charge[], allowed: boolean): void {
  let heardBy: DenialListeners | null = null
  for (let i = 0; i < charges.length; i++) {
    const charge = charges[i]
    const counters = charge.bucket.counters as PolicyCounters
    if (allowed) {
      const outcome = counters.admit(charge)
      if (decisions.hasSubscribers) publish(charge, counters.limiter, outcome)
    } else if (!charge.allowed) {
      const denial = counters.deny(charge)
      if (decisions.hasSubscribers) publish(charge, counters.limiter, denial)
      // A key that several policies of a limiter denied is one denial.
      if (counters.listeners !== heardBy) counters.listeners?.add(charge.key, denial)
      heardBy = counters.listeners
    }
  }
}

/** Concludes the decision of a shadow, which was asked by itself. What it denies is no denial. */
export function concludeShadow(charge: Charge): void {
  const counters = charge.bucket.counters as PolicyCounters
  const outcome = counters.shadow(charge)
  if (decisions.hasSubscribers) publish(charge, counters.limiter, outcome)
  if (outcome === 'shadowDenied') counters.listeners?.add(charge.key, outcome)
}
