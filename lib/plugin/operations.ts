import type {
  AnyPolicy,
  Change,
  ChangeOptions,
  ChangeVerb,
  Fleet,
  LimitsStats,
  Override,
  OverrideOptions,
  Period,
  PolicyOptions,
  ProcessReport,
  RateLimitStats,
} from '../../types/index.js'
import type { StoreLimiter } from '../limiter/index.js'
import {
  blockText,
  type LimitsDocument,
  type LimitsLog,
  type LimitsTarget,
  policyText,
  RESET_TEXT,
} from '../limits/index.js'
import type { Counters } from '../observe/index.js'
import { parsePeriod } from '../policy/index.js'
import { wallDate } from '../store/index.js'
import { ChangeLog, type Reason, reasonOf } from './config/change-log.js'
import { Changes, type Form } from './config/changes.js'
import { DocumentTarget } from './config/document-target.js'
import { OverrideList } from './config/override-list.js'
import type { RequestLimiter } from './config/request-limiter.js'
import { FleetChanges } from './fleet/fleet-changes.js'
import { readReports, reporter } from './fleet/reports.js'
import type { Note } from './fleet/texts.js'

const NO_REASON: Reason = { who: null, comment: '' }

/** What an operator does to the limiters of one registration while the app runs. */
export class Operations implements LimitsTarget {
  readonly changes: Changes
  readonly #overrides: OverrideList
  readonly #documents: DocumentTarget
  readonly #log = new ChangeLog()
  readonly #report = reporter()
  #fleet: FleetChanges | null = null
  #limits: (() => LimitsStats) | null = null

  constructor(counters: Counters) {
    this.changes = new Changes(counters)
    this.#overrides = new OverrideList(this.changes)
    this.#documents = new DocumentTarget(this.changes, this.#overrides)
  }

  /** Shares changes with other processes from now on. `stats`: what they are told of this one. */
  join(fleet: Fleet, stats: () => RateLimitStats, logger: LimitsLog): FleetChanges {
    const report = () => JSON.stringify(this.#report(stats()))
    const parts = { changes: this.changes, overrides: this.#overrides, log: this.#log, report, logger }
    this.#fleet = new FleetChanges(fleet, parts)
    return this.#fleet
  }

  add(name: string, member: RequestLimiter, code: Form): void {
    this.changes.add(name, member, code)
    this.#fleet?.added(name)
  }

  update(name: string, policies: AnyPolicy | null, options: ChangeOptions = {}): void {
    const reason = reasonOf(options)
    this.#fleet?.check('', policies)
    const update = policies === null ? this.changes.put(name, null) : this.changes.update(name, policies)
    const note = this.#note('update', name, null, policyText(policies), reason)
    this.#fleet?.update(update ?? null, note)
  }

  override(
    name: string,
    key: string,
    policy: PolicyOptions | false | null,
    options: OverrideOptions = {},
  ): void {
    const reason = reasonOf(options, ['until'])
    this.#fleet?.check(key, [policy, policy])
    const override = this.#overrides.set(name, key, policy, options)
    const note = this.#note('override', name, key, policyText(policy, options.until), reason)
    this.#fleet?.override(override, note)
  }

  overrides(): Override[] {
    return this.#overrides.list()
  }

  block(name: string, key: string, period: Period, options: ChangeOptions = {}): void | Promise<void> {
    const reason = reasonOf(options)
    const limiter = this.#limiter(name, key)
    const ms = parsePeriod(period, 'period') / 1000
    const note = { verb: 'block', limiter: name, key, text: blockText(period), ...reason } as const
    const laws = limiter.lawsOf(key)
    return this.#conclude(limiter.block(key, period), note, (fleet) => fleet.block(note, ms, laws))
  }

  reset(name: string, key: string, options: ChangeOptions = {}): void | Promise<void> {
    const reason = reasonOf(options)
    const limiter = this.#limiter(name, key)
    const note = { verb: 'reset', limiter: name, key, text: RESET_TEXT, ...reason } as const
    const [laws, ms] = [limiter.lawsOf(key), limiter.blockedAnywhere(key)]
    return this.#conclude(limiter.reset(key), note, (fleet) => fleet.reset(note, laws, ms))
  }

  close(): void {
    for (const [, { member }] of this.changes) member.limiter.close()
  }

  list(): Change[] {
    return this.#log.list()
  }

  /** The limits of a source are put in force here; `stats` says what became of its documents. */
  follow(stats: () => LimitsStats): LimitsTarget {
    this.#limits = stats
    return this
  }

  put(document: LimitsDocument, version: string): void {
    this.#documents.put(document)
    const text = describeDocument(document, version)
    this.#log.add({ at: wallDate(), verb: 'document', limiter: null, key: null, text, ...NO_REASON })
  }

  /** The parts of `stats()` that are about changes. */
  stats(): Pick<RateLimitStats, 'overrides' | 'limits'> {
    return { overrides: this.#overrides.stats(), limits: this.#limits?.() ?? null }
  }

  processes(stats: RateLimitStats): ProcessReport[] {
    return [this.#report(stats), ...readReports(this.#fleet?.reports() ?? [])]
  }

  #limiter(name: string, key: string): StoreLimiter {
    const { limiter } = this.changes.of(name).member
    limiter.checkSubject(key)
    return limiter
  }

  /** Lists what the store has done, and lets other processes know. What failed is no change. */
  #conclude(
    done: void | Promise<void>,
    note: Note,
    share: (fleet: FleetChanges) => void,
  ): void | Promise<void> {
    const conclude = () => {
      this.#list(note)
      if (this.#fleet !== null) share(this.#fleet)
    }
    return done === undefined ? conclude() : done.then(conclude)
  }

  #note(verb: ChangeVerb, limiter: string, key: string | null, text: string, reason: Reason): Note {
    const note = { verb, limiter, key, text, ...reason }
    this.#list(note)
    return note
  }

  #list(note: Note): void {
    this.#log.add({ at: wallDate(), ...note })
  }
}

function describeDocument({ limiters, overrides }: LimitsDocument, version: string): string {
  const names = limiters.size === 0 ? '' : `: ${[...limiters.keys()].join(', ')}`
  const plural = overrides.length === 1 ? '' : 's'
  const also = overrides.length === 0 ? '' : `; ${overrides.length} override${plural}`
  return `version ${version}${names}${also}`
}
