import type {
  AnyPolicy,
  Change,
  ChangeOptions,
  Offender,
  Override,
  OverrideOptions,
  Period,
  Policy,
  PolicyOptions,
} from '../../types/index.js'
import { unknownLimiter } from '../limiter/index.js'
import type { Counters } from '../observe/index.js'
import { invalidOption, ownOptions } from '../policy/index.js'
import { Operations } from './operations.js'

/** The part of `app.rateLimit` for operators: what they change, and whom limiters deny. */
export abstract class OperatedLimiters {
  readonly operations: Operations
  protected readonly counters: Counters

  constructor(counters: Counters) {
    this.counters = counters
    this.operations = new Operations(counters)
  }

  update(name: string, policies: AnyPolicy | null, options?: ChangeOptions): void {
    this.operations.update(name, policies, options)
  }

  optionsOf(name: string): AnyPolicy {
    return this.operations.changes.optionsOf(name)
  }

  preview(name: string, policies: AnyPolicy | null): Policy[] {
    return [...this.operations.changes.preview(name, policies)]
  }

  override(name: string, key: string, policy: PolicyOptions | false | null, options?: OverrideOptions): void {
    this.operations.override(name, key, policy, options)
  }

  overrides(): Override[] {
    return this.operations.overrides()
  }

  block(name: string, key: string, period: Period, options?: ChangeOptions): void | Promise<void> {
    return this.operations.block(name, key, period, options)
  }

  reset(name: string, key: string, options?: ChangeOptions): void | Promise<void> {
    return this.operations.reset(name, key, options)
  }

  changes(): Change[] {
    return this.operations.list()
  }

  offenders(options: { limiter?: string; most?: number } = {}): Offender[] {
    const { limiter, most } = ownOptions(options, ['limiter', 'most'], 'options.')
    if (most !== undefined && (!Number.isSafeInteger(most) || most < 0))
      throw invalidOption('options.most', most, 'an integer of 0 or more')
    const { limiters } = this.counters
    if (limiter === undefined) return this.counters.offenders(limiters, most)
    if (!limiters.includes(limiter)) throw unknownLimiter(limiter, limiters)
    return this.counters.offenders([limiter], most)
  }

  keyOfOffender(limiter: string, id: string): string | null {
    return this.counters.keyOfOffender(limiter, id)
  }

  showKey(limiter: string, key: string): string {
    return this.counters.showKey(limiter, key)
  }
}
