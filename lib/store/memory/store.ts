import type { Charge, Clock, Policy, StoreStats, SyncStore } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption, ownOptions } from '../../policy/index.js'
import { costOf } from '../charge.js'
import { monotonicMicros, systemClock } from '../clock.js'
import { KeyHasher } from '../key-hash.js'
import { forgottenWarning, StoreWarnings } from '../warning.js'
import { BucketKeeper } from './bucket-keeper.js'
import type { MemoryBucket, Shelf, StoredLaw } from './keeper.js'
import { Laws } from './laws.js'
import { type Owner, Table } from './table.js'
import { WindowKeeper } from './window-keeper.js'

const DEFAULT_MAX_KEYS = 100_000
const LARGEST_MAX_KEYS = 100_000_000
const SMALLEST_MAX_UNITS = 64
const LARGEST_MAX_UNITS = 2 ** 31
/** The default: as many units for each key, and never less than 128 MiB of them. */
const UNITS_PER_KEY = 16
const LEAST_UNITS = 2 ** 24

export interface MemoryStoreOptions {
  /**
   * Most keys held at once, over all limiters of the store: 1 to 100,000,000. Default: 100,000. The table takes 21.4 bytes
   * for each; memory that is never touched is never paid for. A sliding window adds 32 bytes, and its units.
   */
  maxKeys?: number
  /**
   * Most units that all sliding windows remember together, in slots of 8 bytes: 64 to 2,147,483,648. A key takes 4 of them for up
   * to 4 units, 8 for up to 8, 16 for up to 16 and so on. Where they are all in use, window keys are forgotten like in a full
   * table: expired ones, then those closest to unlimited, denied ones last. Small windows are spared: only those go that take at
   * least half of the average. Default: 16 for each key, at least 16,777,216, which are 128 MiB. One window can have a `rate`
   * of two thirds of it, rounded down to a power of two.
   */
  maxUnits?: number
  /** Default: the monotonic clock of this thread. */
  clock?: Clock
}

/**
 * State in the memory of this thread: synchronous, bounded, without a timer. When full it forgets expired keys first, then
 * the key closest to unlimited among those it looks at, and a key that is being denied last of all.
 */
export class MemoryStore implements SyncStore, Owner, Shelf {
  readonly sync = true
  /** Draws the seed of each bucket's hash. */
  readonly #seeds = new KeyHasher()
  readonly #table: Table
  readonly #buckets: BucketKeeper
  readonly #windows: WindowKeeper
  readonly #laws = new Laws()
  readonly #clock: () => number
  readonly #warnings = new StoreWarnings()
  readonly onWarning = this.#warnings.onWarning
  #now = 0
  #spaces = 0
  #forgotDenied = false

  constructor({ maxKeys = DEFAULT_MAX_KEYS, maxUnits, clock = systemClock }: MemoryStoreOptions) {
    checkSize('maxKeys', maxKeys, 1, LARGEST_MAX_KEYS)
    // Null is a wrong value, not an omission.
    const units = maxUnits === undefined ? Math.max(LEAST_UNITS, UNITS_PER_KEY * maxKeys) : maxUnits
    checkSize('maxUnits', units, SMALLEST_MAX_UNITS, LARGEST_MAX_UNITS)
    this.#clock = monotonicMicros(clock)
    this.#table = new Table(maxKeys, this)
    this.#buckets = new BucketKeeper(this.#table, this)
    this.#windows = new WindowKeeper(this.#table, this, this.#laws, units)
  }

  /** As `SyncStore.open`; with a bucket instead of a name in that bucket's space, where equal laws share their keys. */
  open(policy: Policy, space: string | MemoryBucket): MemoryBucket {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    const compiled = policy as CompiledPolicy
    if (compiled.algorithm === 'sliding-window') this.#windows.check(compiled.rate)
    const law = this.#lawOf(compiled)
    const number = typeof space === 'string' ? this.#spaces++ : space.space
    return { policy: compiled, space: number, hasher: this.#hasherOf(number, law.name), law }
  }

  take(charges: readonly Charge[]): boolean {
    this.#now = this.#clock()
    if (charges.length === 1) {
      const [charge] = charges
      const bucket = charge.bucket as MemoryBucket
      const law = this.#laws.of(bucket, this.#now)
      return law.keeper.judge(charge, law, charge.cost, this.#find(bucket, charge.key), this.#now, true)
    }
    if (!this.#judge(charges, false)) {
      this.#markDenied(charges)
      return false
    }
    return this.#judge(charges, true)
  }

  peek(charges: readonly Charge[]): boolean {
    this.#now = this.#clock()
    return this.#judge(charges, false)
  }

  refund(charges: readonly Charge[]): void {
    this.#now = this.#clock()
    for (const charge of charges) {
      const bucket = charge.bucket as MemoryBucket
      const slot = this.#find(bucket, charge.key)
      if (slot < 0 || charge.cost === 0) continue
      const law = this.#laws.of(bucket, this.#now)
      law.keeper.refund(charge, law, slot, this.#now)
    }
  }

  reset(charges: readonly Charge[]): void {
    for (const charge of charges) {
      const slot = this.#find(charge.bucket as MemoryBucket, charge.key)
      if (slot >= 0) this.#table.remove(slot)
    }
  }

  stats(): StoreStats {
    const { keys, maxKeys, forgotten } = this.#table
    const { units, maxUnits } = this.#windows
    return { keys, maxKeys, forgotten, units, maxUnits }
  }

  sweep(): number {
    this.#now = this.#clock()
    return this.#table.sweep()
  }

  /** The table asks. */
  heat(slot: number): number {
    const law = this.#laws.at(this.#table.tag(slot))
    return law.keeper.heat(law, slot, this.#now)
  }

  /** The table says so. Warned of once: from then on `forgotten` counts. */
  forgetsDenied(): void {
    if (this.#forgotDenied) return
    this.#forgotDenied = true
    this.#warnings.warn('FST_FLOODGATE_W013', '', forgottenWarning())
  }

  /** The table tells. */
  release(slot: number): void {
    const law = this.#laws.at(this.#table.tag(slot))
    law.keeper.release(slot)
    this.#laws.remove(law)
  }

  /** A keeper asks for a slot for the key that was looked up last in that bucket. */
  insert({ hasher, law }: MemoryBucket): number {
    // In this order: making room may take the last key of the law.
    const tag = this.#laws.add(law)
    return this.#table.insert(hasher.low, hasher.high, tag)
  }

  /** A keeper asks. */
  find({ hasher }: MemoryBucket): number {
    return this.#table.find(hasher.low, hasher.high)
  }

  /** Without `commit` a key that is charged more than once in one call is asked for all of it. */
  #judge(charges: readonly Charge[], commit: boolean): boolean {
    let allowed = true
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      const bucket = charge.bucket as MemoryBucket
      const slot = this.#find(bucket, charge.key)
      const cost = commit ? charge.cost : costOf(charges, charge)
      const law = this.#laws.of(bucket, this.#now)
      if (!law.keeper.judge(charge, law, cost, slot, this.#now, commit)) allowed = false
    }
    return allowed
  }

  #markDenied(charges: readonly Charge[]): void {
    for (const charge of charges) {
      const never = charge.retryAfter === Number.POSITIVE_INFINITY
      const slot = charge.allowed || never ? -1 : this.#find(charge.bucket as MemoryBucket, charge.key)
      if (slot >= 0) this.#table.mark(slot)
    }
  }

  #find(bucket: MemoryBucket, key: string): number {
    bucket.hasher.digest(0, key)
    return this.find(bucket)
  }

  #lawOf({ algorithm, rate, per, limit, law }: CompiledPolicy): StoredLaw {
    const keeper = 'window' in law ? this.#windows : this.#buckets
    return { name: `${algorithm} ${rate} ${per} ${limit}`, numbers: law, keeper, keys: 0, tag: 0, epoch: 0 }
  }

  /** Equal laws in one space share their keys; any others have digests of their own. */
  #hasherOf(space: number, law: string): KeyHasher {
    this.#seeds.digest(space, law)
    return new KeyHasher(new Uint8Array(Int32Array.of(this.#seeds.low, this.#seeds.high).buffer))
  }
}

function checkSize(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalidOption(option, value, `an integer from ${least} to ${most}`)
}

/** A store in the memory of this thread. Throws `FST_FLOODGATE_OPTION` for options that are not allowed. */
export function memoryStore(options: MemoryStoreOptions = {}): SyncStore {
  return new MemoryStore(ownOptions(options, ['maxKeys', 'maxUnits', 'clock'], ''))
}
