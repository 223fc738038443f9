import type {
  LimiterStats,
  LimitsStats,
  PolicyStats,
  RateLimitStats,
  StoreReport,
} from '../../types/index.js'

export type Labels = Readonly<Record<string, string>>

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** What metrics are made from. */
export interface Reading {
  readonly limiters: Readonly<Record<string, LimiterStats>>
  /** Null where nobody counts. */
  readonly waiting: number | null
  /** A single limiter has neither overrides nor a source of limits. */
  readonly overrides?: RateLimitStats['overrides']
  readonly limits?: LimitsStats | null
  /** Null where another reading has this store. */
  readonly store: StoreReport | null
}

/** A metric: its name and meaning, and how its values are read. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** How values with the same labels, of several apps, become one. */
  readonly merge: 'sum' | 'min' | 'max'
  read(reading: Reading): Sample[]
}

const OUTCOMES = {
  allowed: 'allowed',
  delayed: 'delayed',
  denied: 'denied',
  blocked: 'blocked',
  shadowDenied: 'shadow_denied',
} as const

const RELOADS = ['ok', 'invalid', 'unreadable'] as const

/** A key is never a label: labels are names that the code gives, and so there are few of them. */
export const FAMILIES: readonly Family[] = [
  {
    name: 'floodgate_decisions_total',
    help: 'Decisions of a policy, by what became of them.',
    type: 'counter',
    merge: 'sum',
    read: ofPolicies((policy) =>
      Object.entries(OUTCOMES).map(([count, outcome]) => ({
        labels: { outcome },
        value: policy[count as keyof typeof OUTCOMES],
      })),
    ),
  },
  counterOf(
    'nearLimit',
    'floodgate_near_limit_total',
    'Admitted decisions that left less than a fifth of the limit.',
  ),
  counterOf('units', 'floodgate_units_total', 'Units that were charged.'),
  {
    name: 'floodgate_policy_limit',
    help: 'Most units that a key can spend at once.',
    type: 'gauge',
    merge: 'max',
    read: ofPolicies(({ limit }) => [{ labels: {}, value: limit }]),
  },
  {
    name: 'floodgate_policy_rate_per_second',
    help: 'Units that come back to a key in a second.',
    type: 'gauge',
    merge: 'max',
    // Units in progress come back when their calls end.
    read: ofPolicies(({ algorithm, rate, per }) =>
      algorithm === 'concurrency' ? [] : [{ labels: {}, value: rate / (per / 1000) }],
    ),
  },
  {
    name: 'floodgate_waiting_requests',
    help: 'Requests that wait for their units.',
    type: 'gauge',
    merge: 'sum',
    read: ({ waiting }) => (waiting === null ? [] : [{ labels: {}, value: waiting }]),
  },
  ofOverrides('inForce', 'floodgate_overrides', 'Overrides that are in force.'),
  ofOverrides('used', 'floodgate_overrides_used', 'Overrides in force whose key was looked up.'),
  {
    name: 'floodgate_limits_reloads_total',
    help: 'Documents of the option limits, by what became of them.',
    type: 'counter',
    merge: 'sum',
    read: ({ limits }) =>
      RELOADS.flatMap((result) => (limits ? [{ labels: { result }, value: limits[result] }] : [])),
  },
  {
    name: 'floodgate_store_up',
    help: 'Whether the store answers: 1 or 0.',
    type: 'gauge',
    merge: 'min',
    read: ({ store }) => (store === null ? [] : [{ labels: {}, value: store.state === 'up' ? 1 : 0 }]),
  },
  ofStore('failures', 'floodgate_store_failures_total', 'counter', 'Calls that the store did not answer.'),
  ofStore('keys', 'floodgate_store_keys', 'gauge', 'Keys in memory.'),
  ofStore('maxKeys', 'floodgate_store_max_keys', 'gauge', 'Most keys that memory has room for.'),
  ofStore(
    'forgotten',
    'floodgate_store_forgotten_total',
    'counter',
    'Keys that a full memory forgot while they still counted.',
  ),
]

/** The metric that is no single number: how long calls of the store take. */
export const CALL_DURATION = {
  name: 'floodgate_store_call_duration_seconds',
  help: 'How long the store took to answer, or until it was given up.',
} as const

function ofPolicies(samples: (policy: PolicyStats) => Sample[]): (reading: Reading) => Sample[] {
  return ({ limiters }) =>
    Object.entries(limiters).flatMap(([limiter, { policies }]) =>
      Object.entries(policies).flatMap(([policy, stats]) =>
        samples(stats).map(({ labels, value }) => ({ labels: { limiter, policy, ...labels }, value })),
      ),
    )
}

function counterOf(count: 'nearLimit' | 'units', name: string, help: string): Family {
  return {
    name,
    help,
    type: 'counter',
    merge: 'sum',
    read: ofPolicies((policy) => [{ labels: {}, value: policy[count] }]),
  }
}

function ofOverrides(count: keyof RateLimitStats['overrides'], name: string, help: string): Family {
  const read = ({ overrides }: Reading) =>
    overrides === undefined ? [] : [{ labels: {}, value: overrides[count] }]
  return { name, help, type: 'gauge', merge: 'sum', read }
}

/** A number that stores of some kinds only report. */
function ofStore(
  field: 'failures' | 'keys' | 'maxKeys' | 'forgotten',
  name: string,
  type: Family['type'],
  help: string,
): Family {
  const read = ({ store }: Reading) => {
    const value = store?.[field]
    return value === undefined ? [] : [{ labels: {}, value }]
  }
  return { name, help, type, merge: 'sum', read }
}
