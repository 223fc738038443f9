import type {
  Bucket,
  Charge,
  LimiterStats,
  Offender,
  Outcome,
  OutcomeCounts,
  Policy,
  PolicyStats,
} from '../../types/index.js'
import { invalidOption } from '../policy/index.js'
import { DenialListeners } from './denial-listeners.js'
import { DenialLog, type LogSettings } from './denial-log.js'
import { byDenials, type OffenderSettings, Offenders, showKey } from './offenders.js'
import type { Denial } from './sketch.js'

/** A key is near its limit if less than one part of so many is left. */
const NEAR = 5

/** Counts what becomes of the decisions of one policy of a limiter. */
export class PolicyCounters implements OutcomeCounts {
  readonly limiter: string
  /** The name under which the policy counts. */
  readonly name: string
  /** The latest, where several laws count as one. */
  policy: Policy
  allowed = 0
  delayed = 0
  denied = 0
  blocked = 0
  shadowDenied = 0
  nearLimit = 0
  units = 0
  /** Those of the limiter. */
  readonly listeners: DenialListeners | null

  constructor(limiter: string, policy: Policy, name = policy.name, listeners: DenialListeners | null = null) {
    this.limiter = limiter
    this.listeners = listeners
    this.policy = policy
    this.name = name
  }

  /** Counts a charge of a call that was allowed. */
  admit(charge: Charge): Outcome {
    this.#charge(charge)
    if (charge.delay > 0) {
      this.delayed++
      return 'delayed'
    }
    this.allowed++
    return 'allowed'
  }

  /** Counts a charge that denied its call. */
  deny({ blocked }: Charge): Denial {
    if (blocked) {
      this.blocked++
      return 'blocked'
    }
    this.denied++
    return 'denied'
  }

  /** Counts a charge of a shadow. It lets nobody wait, so what it would hold is allowed. */
  shadow(charge: Charge): Outcome {
    if (charge.allowed) {
      this.#charge(charge)
      this.allowed++
      return 'allowed'
    }
    this.shadowDenied++
    return 'shadowDenied'
  }

  stats(): PolicyStats {
    const { algorithm, rate, per, limit, enforce } = this.policy
    const { allowed, delayed, denied, blocked, shadowDenied, nearLimit, units } = this
    const counts = { allowed, delayed, denied, blocked, shadowDenied, nearLimit, units }
    return { algorithm, rate, per, limit, enforce, ...counts }
  }

  #charge({ bucket, cost, remaining, source }: Charge): void {
    if (remaining * NEAR < bucket.policy.limit) this.nearLimit++
    if (source !== 'none') this.units += cost
  }
}

/** How denials are remembered and logged; null where they are not. */
export interface ListenerSettings {
  readonly offenders: OffenderSettings | null
  readonly log: LogSettings | null
}

/** The counters of all policies of one registration, and those who hear of its denials. */
export class Counters {
  readonly #limiters = new Map<string, Map<string, PolicyCounters>>()
  readonly #listeners = new Map<string, DenialListeners>()
  readonly #settings: ListenerSettings

  constructor(settings: ListenerSettings) {
    this.#settings = settings
  }

  /** Those of some policies of a limiter. The same for a limiter and a policy of the same names. */
  of(limiter: string, policies: readonly Policy[]): PolicyCounters[] {
    return policies.map((policy) => this.named(limiter, policy, policy.name))
  }

  /** The same, and forgets those of other policies of the limiter. */
  only(limiter: string, policies: readonly Policy[]): PolicyCounters[] {
    const known = this.#limiters.get(limiter) as Map<string, PolicyCounters>
    for (const name of known.keys()) if (!policies.some((policy) => policy.name === name)) known.delete(name)
    return this.of(limiter, policies)
  }

  /** Those of a policy that counts under a name other than its own. */
  named(limiter: string, policy: Policy, name: string): PolicyCounters {
    const policies = this.#limiters.get(limiter) ?? new Map<string, PolicyCounters>()
    this.#limiters.set(limiter, policies)
    const counters =
      policies.get(name) ?? new PolicyCounters(limiter, policy, name, this.#listenersOf(limiter))
    policies.set(name, counters)
    counters.policy = policy
    return counters
  }

  #listenersOf(limiter: string): DenialListeners {
    const { offenders, log } = this.#settings
    const listeners =
      this.#listeners.get(limiter) ??
      new DenialListeners(offenders && new Offenders(limiter, offenders), log && new DenialLog(limiter, log))
    this.#listeners.set(limiter, listeners)
    return listeners
  }

  /** Names of limiters. */
  get limiters(): string[] {
    return [...this.#limiters.keys()]
  }

  /**
   * The keys that these limiters deny most, the worst first, and at most so many. Throws where no key is
   * remembered.
   */
  offenders(limiters = this.limiters, most = Number.POSITIVE_INFINITY): Offender[] {
    if (this.#settings.offenders === null)
      throw invalidOption('offenders', undefined, '{ size, per, show }, or {} for the defaults')
    const all = limiters.flatMap((limiter) => {
      const offenders = this.#listenersOf(limiter).offenders as Offenders
      return offenders.tallies().map((tally) => ({ offenders, tally }))
    })
    all.sort((a, b) => byDenials(a.tally, b.tally))
    return all.slice(0, most).map(({ offenders, tally }) => offenders.shown(tally))
  }

  /** The key of an offender; null where it is not remembered. */
  keyOfOffender(limiter: string, id: string): string | null {
    return this.#listeners.get(limiter)?.offenders?.keyOf(id) ?? null
  }

  /** What stands for a key wherever it is displayed. */
  showKey(limiter: string, key: string): string {
    return (this.#settings.offenders?.show ?? showKey)(key, limiter)
  }

  /** Logs the denials that no line counts yet. */
  flushLogs(): void {
    for (const { log } of this.#listeners.values()) log?.flush()
  }

  /** By the name of the limiter. */
  stats(): Record<string, LimiterStats> {
    return Object.fromEntries(
      [...this.#limiters].map(([limiter, policies]) => [limiter, limiterStats([...policies.values()])]),
    )
  }
}

/** What became of the decisions about the buckets of a limiter. */
export function statsOf(buckets: readonly Bucket[]): LimiterStats {
  return limiterStats(buckets.map(({ counters }) => counters as PolicyCounters))
}

function limiterStats(counters: readonly PolicyCounters[]): LimiterStats {
  return { policies: Object.fromEntries(counters.map((counters) => [counters.name, counters.stats()])) }
}
