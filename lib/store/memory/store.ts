import type { Charge, Policy, StoreStats, SyncStore } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption, lawNumbers, ownOptions } from '../../policy/index.js'
import { totalCost } from '../charge.js'
import { monotonicMicros } from '../clock.js'
import { KeyHasher } from '../key-hash.js'
import { forgottenWarning, StoreWarnings } from '../warning.js'
import { Blocks } from './blocks.js'
import { BucketKeeper } from './bucket-keeper.js'
import type { MemoryBucket, StoredLaw } from './keeper.js'
import { Laws } from './laws.js'
import { type MemoryStoreOptions, readOptions } from './options.js'
import { type Evictor, Table } from './table.js'
import { WindowKeeper } from './window-keeper.js'

/**
 * State in the memory of this thread: synchronous, bounded, without a timer. A full store forgets expired
 * keys first, then the key closest to unlimited among those it looks at, and denied keys last.
 */
export class MemoryStore implements SyncStore, Evictor {
  readonly sync = true
  readonly kind = 'memory'
  /** Draws the seed of each bucket's hash. */
  readonly #seeds = new KeyHasher()
  readonly #table: Table
  readonly #buckets: BucketKeeper
  readonly #windows: WindowKeeper
  readonly #laws = new Laws()
  readonly #blocks: Blocks
  readonly #clock: () => number
  readonly #warnings = new StoreWarnings()
  readonly onWarning = this.#warnings.onWarning
  #now = 0
  #spaces = 0
  #forgotDenied = false

  constructor(options: MemoryStoreOptions) {
    const { maxKeys, maxUnits, clock } = readOptions(options)
    this.#clock = monotonicMicros(clock)
    this.#table = new Table(maxKeys, this)
    this.#blocks = new Blocks(this.#table, this.#laws)
    const insert = (bucket: MemoryBucket) => this.#insert(bucket)
    this.#buckets = new BucketKeeper(this.#table, insert)
    this.#windows = new WindowKeeper(this.#table, insert, this.#laws, maxUnits)
  }

  /**
   * As `SyncStore.open`. A bucket in place of a name means that bucket's space, where equal laws share their
   * keys.
   */
  open(policy: Policy, space: string | MemoryBucket): MemoryBucket {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    const compiled = policy as CompiledPolicy
    if (compiled.algorithm !== 'token-bucket') this.#windows.check(compiled.limit)
    const law = this.#lawOf(compiled)
    const number = typeof space === 'string' ? this.#spaces++ : space.space
    const hasher = this.#hasherOf(number, law.name)
    return { policy: compiled, space: number, hasher, law, counters: null }
  }

  take(charges: readonly Charge[]): boolean {
    this.#now = this.#clock()
    if (charges.length === 1) {
      const [charge] = charges
      const bucket = charge.bucket as MemoryBucket
      const slot = this.#find(bucket, charge.key)
      if (this.#judgeOne(charge, bucket, slot, charge.cost, true)) return true
      this.#onDenied(charge, slot)
      return false
    }
    if (this.#judge(charges, false)) return this.#judge(charges, true)
    for (const charge of charges)
      if (!charge.allowed) this.#onDenied(charge, this.#find(charge.bucket as MemoryBucket, charge.key))
    return false
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
      if (slot < 0 || charge.cost === 0 || this.#table.isBlocked(slot)) continue
      const law = this.#laws.of(bucket, this.#now)
      law.keeper.refund(charge, law, slot, this.#now)
    }
  }

  renew(charge: Charge): boolean {
    const charges = [charge]
    this.refund(charges)
    return this.take(charges)
  }

  reset(charges: readonly Charge[]): void {
    for (const { bucket, key } of charges) {
      const slot = this.#find(bucket as MemoryBucket, key)
      if (slot >= 0) this.#table.remove(slot)
      this.#blocks.pardon(bucket as MemoryBucket, key)
    }
  }

  block(charges: readonly Charge[], ms: number): void {
    this.#now = this.#clock()
    const end = this.#now + Math.round(ms * 1000)
    for (const { bucket, key } of charges) this.#blocks.set(bucket as MemoryBucket, key, end)
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

  now(): number {
    return this.#clock()
  }

  /** As `Evictor.heat`. */
  heat(slot: number): number {
    const use = this.#laws.at(this.#table.lawId(slot))
    return use.keeper.heat(this.#table, slot, this.#now, use)
  }

  /** As `Evictor.forgetsDenied`. Warns once; later, `forgotten` shows the number. */
  forgetsDenied(): void {
    if (this.#forgotDenied) return
    this.#forgotDenied = true
    this.#warnings.warn('FST_FLOODGATE_W013', '', forgottenWarning())
  }

  /** As `Evictor.release`. */
  release(slot: number): void {
    const use = this.#laws.at(this.#table.lawId(slot))
    use.keeper.release(slot)
    this.#laws.remove(use)
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
      const cost = commit ? charge.cost : totalCost(charges, charge)
      if (!this.#judgeOne(charge, bucket, slot, cost, commit)) allowed = false
    }
    return allowed
  }

  #judgeOne(charge: Charge, bucket: MemoryBucket, slot: number, cost: number, commit: boolean): boolean {
    if (slot >= 0 && this.#table.isBlocked(slot)) {
      this.#blocks.judge(charge, slot, this.#now)
      return false
    }
    const law = this.#laws.of(bucket, this.#now)
    return law.keeper.judge(charge, law, cost, slot, this.#now, commit)
  }

  /** After a take that this charge denied. `slot`: of its key. */
  #onDenied(charge: Charge, slot: number): void {
    // Where no wait helps, there is no reason to block or keep the key.
    if (charge.blocked || charge.retryAfter === Number.POSITIVE_INFINITY) return
    const { block } = charge.bucket.policy
    if (slot >= 0 && this.#table.isBlocked(slot)) this.#blocks.judge(charge, slot, this.#now)
    else if (block !== null) {
      charge.first = true
      this.#blocks.begin(charge, block, this.#now)
    } else if (slot >= 0) {
      charge.first = !this.#table.isDenied(slot)
      this.#table.setDenied(slot)
    }
  }

  /** The slot of a key, or -1. */
  #find({ hasher }: MemoryBucket, key: string): number {
    hasher.digest(0, key)
    const slot = this.#table.find(hasher.low, hasher.high)
    return slot >= 0 && this.#table.isBlocked(slot) ? this.#blocks.stillBlocked(slot, this.#now) : slot
  }

  #lawOf(policy: CompiledPolicy): StoredLaw {
    const { law } = policy
    const keeper = 'window' in law ? this.#windows : this.#buckets
    return { name: lawNumbers(policy).join(' '), numbers: law, keeper, keys: 0, id: 0, epoch: 0 }
  }

  /** Equal laws in one space share their keys. All others have different digests. */
  #hasherOf(space: number, law: string): KeyHasher {
    this.#seeds.digest(space, law)
    return new KeyHasher(new Uint8Array(Int32Array.of(this.#seeds.low, this.#seeds.high).buffer))
  }
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
