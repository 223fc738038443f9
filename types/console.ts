/** Decisions by outcome: see `OutcomeCounts`. */
export interface ConsoleCounts {
  allowed: number
  delayed: number
  denied: number
  blocked: number
  shadowDenied: number
}

/** A policy, and what became of its decisions in the process that answers. */
export interface ConsolePolicy extends ConsoleCounts {
  name: string
  /** In words: `'100 per minute, burst 10'`. */
  text: string
  enforce: number
  limit: number
  nearLimit: number
  units: number
  /** As `preview` and `update` take it. Null where it cannot change: a function of a route returned it. */
  options: object | null
}

export interface ConsoleLimiter {
  name: string
  policies: ConsolePolicy[]
}

/** The last 15 minutes, a point every 5 s, the oldest first: the counts of each interval. */
export interface ConsoleSeries extends Record<keyof ConsoleCounts, number[]> {
  /** The end of the last interval, in milliseconds since 1970. */
  end: number
  step: 5000
}

/** An offender of the process that answers. */
export interface ConsoleOffender {
  limiter: string
  /** Stands for the key in what is posted. */
  id: string
  /** As `show` gives it. */
  key: string
  denied: number
  shadowDenied: number
  blocked: number
  error: number
  /** ISO 8601. */
  first: string
  last: string
}

export interface ConsoleChange {
  /** ISO 8601. */
  at: string
  who: string | null
  verb: 'update' | 'override' | 'block' | 'reset' | 'document'
  limiter: string | null
  /** As `show` gives it. */
  key: string | null
  text: string
  comment: string
}

export interface ConsoleProcess extends ConsoleCounts {
  id: string
  host: string
  pid: number
  isThis: boolean
  /** ISO 8601: when it reported. */
  at: string
  /** Of its store. */
  state: 'up' | 'down'
}

export interface ConsoleOverride {
  limiter: string
  /** Stands for the key in what is posted. */
  id: string
  /** As `show` gives it. */
  key: string
  text: string
  /** ISO 8601; null: never. */
  until: string | null
  comment: string
  used: number
}

/** All that the page shows. */
export interface ConsoleState {
  /** Milliseconds since 1970. */
  now: number
  /** ISO 8601. */
  since: string
  limiters: ConsoleLimiter[]
  series: { total: ConsoleSeries; limiters: Record<string, ConsoleSeries> }
  store: object
  waiting: number
  lost: number
  /** At most 500 of `overridesInForce`. */
  overrides: ConsoleOverride[]
  overridesInForce: number
  /** Null where the option is off. */
  offenders: ConsoleOffender[] | null
  /** The outcomes of documents of limits. Null without a source of them. */
  limits: object | null
  changes: ConsoleChange[]
  processes: ConsoleProcess[]
}

/** The numbers that change from second to second. */
export interface ConsoleTick {
  now: number
  /** Since the last tick. */
  total: ConsoleCounts
  /** The counts that changed, of those limiters that have any. */
  limiters: Record<string, Partial<ConsoleCounts>>
  waiting: number
  store: object
  processes: ConsoleProcess[]
  /** Left out where they are the same as before. Null where the option is off. */
  offenders?: ConsoleOffender[] | null
}

/** The decision that one policy would take about the next call of a key. */
export interface ConsoleVerdict {
  name: string
  text: string
  allowed: boolean
  blocked: boolean
  /** Whether it denies nobody: what is not allowed is only counted. */
  shadow: boolean
  remaining: number
  limit: number
  /** Milliseconds; null: never. */
  retryAfter: number | null
  resetAfter: number | null
}

/** All that is known of one key. */
export interface ConsoleKey {
  limiter: string
  /** As `show` gives it. */
  key: string
  /** Empty where the key has no limit. */
  policies: ConsoleVerdict[]
  override: { text: string; until: string | null; comment: string } | null
}

/** The effects of an update, before it is made. */
export interface ConsolePreview {
  limiter: string
  /** In words, one a policy. */
  before: string[]
  after: string[]
  changed: boolean
  /** Those of the limiter. */
  offenders: { key: string; denied: number; text: string }[]
  warnings: string[]
}
