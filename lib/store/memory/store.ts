import type { Charge, Clock, Policy, StoreStats, SyncStore } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption, ownOptions } from '../../policy/index.js'
import { costOf } from '../charge.js'
import { monotonicMicros, systemClock } from '../clock.js'
import { KeyHasher } from '../key-hash.js'
import { forgottenWarning, StoreWarnings } from '../warning.js'
import { BucketKeeper } from './bucket-keeper.js'
import type { MemoryBucket, StoredLaw } from './keeper.js'
import { Laws } from './laws.js'
import { type Evictor, Table } from './table.js'
import { WindowKeeper } from './window-keeper.js'

const DEFAULT_MAX_KEYS = 100_000
const LARGEST_MAX_KEYS = 100_000_000
const SMALLEST_MAX_UNITS = 64
const LARGEST_MAX_UNITS = 2 ** 31
/** The default of maxUnits: this many for each key, and at least 128 MiB. */
const UNITS_PER_KEY = 16
const LEAST_UNITS = 2 ** 24

export interface MemoryStoreOptions {
  /**
   * Most keys that the store holds at once, for all its limiters: 1 to 100,000,000. Default: 100,000. The
   * table takes 21.4 bytes for each, so 100,000 keys take 2.1 MB. A sliding window adds 32 bytes, and its
   * units.
   */
  maxKeys?: number
  /**
   * Most units that all sliding windows remember together, in slots of 8 bytes: 64 to 2,147,483,648. Default:
   * 16 for each key, at least 16,777,216 (128 MiB). A key takes 4 slots for up to 4 units, 8 for up to 8, and
   * so on.
   *
   * When all slots are in use, the store forgets windows as in a full table: expired ones first, then those
   * closest to unlimited, denied ones last. It spares windows of less than half the average size. The largest
   * `rate` of a window is two thirds of `maxUnits`, rounded down to a power of two.
   */
  maxUnits?: number
  /** The source of time. Default: the monotonic clock of this thread. */
  clock?: Clock
}

/**
 * State in the memory of this thread: synchronous, bounded, without a timer. A full store forgets expired
 * keys first, then the key closest to unlimited among those it looks at, and denied keys last.
 */
export class MemoryStore implements SyncStore, Evictor {
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
    const insert = (bucket: MemoryBucket) => this.#insert(bucket)
    this.#buckets = new BucketKeeper(this.#table, insert)
    this.#windows = new WindowKeeper(this.#table, insert, this.#laws, units)
  }

  /**
   * As `SyncStore.open`. A bucket in place of a name means that bucket's space, where equal laws share their
   * keys.
   */
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
      this.#setDenied(charges)
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

  /** As `Evictor.heat`. */
  heat(slot: number): number {
    const law = this.#laws.at(this.#table.lawId(slot))
    return law.keeper.heat(law, slot, this.#now)
  }

  /** As `Evictor.forgetsDenied`. Warns once; later, `forgotten` shows the number. */
  forgetsDenied(): void {
    if (this.#forgotDenied) return
    this.#forgotDenied = true
    this.#warnings.warn('FST_FLOODGATE_W013', '', forgottenWarning())
  }

  /** As `Evictor.release`. */
  release(slot: number): void {
    const law = this.#laws.at(this.#table.lawId(slot))
    law.keeper.release(slot)
    this.#laws.remove(law)
  }

  /** As `Insert`. */
  #insert({ hasher, law }: MemoryBucket): number {
    // First, because making room may forget the last key of the law.
    const lawId = this.#laws.add(law)
    return this.#table.insert(hasher.low, hasher.high, lawId)
  }

  /** Without `commit`, a key that one call charges more than once is asked for the sum. */
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

  #setDenied(charges: readonly Charge[]): void {
    for (const charge of charges) {
      const never = charge.retryAfter === Number.POSITIVE_INFINITY
      const slot = charge.allowed || never ? -1 : this.#find(charge.bucket as MemoryBucket, charge.key)
      if (slot >= 0) this.#table.setDenied(slot)
    }
  }

  #find({ hasher }: MemoryBucket, key: string): number {
    hasher.digest(0, key)
    return this.#table.find(hasher.low, hasher.high)
  }

  #lawOf({ algorithm, rate, per, limit, law }: CompiledPolicy): StoredLaw {
    const keeper = 'window' in law ? this.#windows : this.#buckets
    return { name: `${algorithm} ${rate} ${per} ${limit}`, numbers: law, keeper, keys: 0, id: 0, epoch: 0 }
  }

  /** Equal laws in one space share their keys. All others have different digests. */
  #hasherOf(space: number, law: string): KeyHasher {
    this.#seeds.digest(space, law)
    return new KeyHasher(new Uint8Array(Int32Array.of(this.#seeds.low, this.#seeds.high).buffer))
  }
}

function checkSize(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalidOption(option, value, `an integer from ${least} to ${most}`)
}

/**
 * Returns a store in the memory of this thread. Throws `FST_FLOODGATE_OPTION` and
 * `FST_FLOODGATE_UNKNOWN_OPTION` for options that are not allowed.
 *
 * @example
 * ```js
 * const store = memoryStore({ maxKeys: 1_000_000 }) // 21.4 MB when full of token buckets
 * await app.register(rateLimit, { rate: 100, per: 'minute', store })
 *
 * // In tests, with a clock of your own.
 * let now = 0
 * const limiter = createLimiter({ name: 'x' }, { store: memoryStore({ clock: { now: () => now } }) })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): SyncStore {
  return new MemoryStore(ownOptions(options, ['maxKeys', 'maxUnits', 'clock'], ''))
}
