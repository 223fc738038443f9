/** The outcome of a decision. A shadow denial denied nobody. */
export type Outcome = 'allowed' | 'delayed' | 'denied' | 'blocked' | 'shadowDenied'

/**
 * The counts of the decisions of one policy. A decision counts once: as allowed, delayed, denied, blocked or
 * shadow-denied. The counters only grow.
 */
export interface OutcomeCounts {
  /** Decisions that let the call go on at once. */
  allowed: number
  /** Decisions that let the call go on after `decision.delay`. */
  delayed: number
  /** Decisions that denied the call, and did not block the key. */
  denied: number
  /** Decisions that denied the call of a blocked key, with the one that began its block. */
  blocked: number
  /** Decisions of a shadow that would have denied the call. */
  shadowDenied: number
  /** Allowed and delayed decisions that left less than a fifth of the limit. */
  nearLimit: number
  /** Units that were charged. Those that went back later stay counted. */
  units: number
}
