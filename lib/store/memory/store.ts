import type { Charge, Clock, Policy, StoreStats, SyncStore } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption, ownOptions } from '../../policy/index.js'
import { costOf } from '../charge.js'
import { monotonicMicros, systemClock } from '../clock.js'
import { KeyHasher } from '../key-hash.js'
import { BucketKeeper } from './bucket-keeper.js'
import type { Keeper, MemoryBucket, Shelf } from './keeper.js'
import { type Owner, TAGS, Table } from './table.js'
import { WindowKeeper } from './window-keeper.js'

const DEFAULT_MAX_KEYS = 100_000
const LARGEST_MAX_KEYS = 100_000_000

export interface MemoryStoreOptions {
  /**
   * Most keys held at once, over all limiters of the store: 1 to 100,000,000. Default: 100,000. The table takes 21.4 bytes
   * for each; memory that is never touched is never paid for. A sliding window adds 32 bytes, and 8 for each unit that it
   * remembers, in blocks that double: less than `maxKeys * (rate * 16 + 64)` bytes at the very most.
   */
  maxKeys?: number
  /** Default: the monotonic clock of this thread. */
  clock?: Clock
}

/**
 * State in the memory of this thread: synchronous, bounded, without a timer. When full it forgets expired keys first, then
 * the key closest to unlimited among those it looks at, and a key that is being denied last of all.
 */
class MemoryStore implements SyncStore, Owner, Shelf {
  readonly sync = true
  readonly #hasher = new KeyHasher()
  readonly #table: Table
  readonly #buckets: BucketKeeper
  readonly #windows: WindowKeeper
  /** Which keeper judges the slots of a tag, and the tag of each law. */
  readonly #keepers: Keeper[] = []
  readonly #tags = new Map<string, number>()
  readonly #clock: () => number
  #now = 0
  #spaces = 0

  constructor({ maxKeys = DEFAULT_MAX_KEYS, clock = systemClock }: MemoryStoreOptions) {
    if (!Number.isInteger(maxKeys) || maxKeys < 1 || maxKeys > LARGEST_MAX_KEYS) {
      throw invalidOption('maxKeys', maxKeys, `an integer from 1 to ${LARGEST_MAX_KEYS}`)
    }
    this.#clock = monotonicMicros(clock)
    this.#table = new Table(maxKeys, this)
    this.#buckets = new BucketKeeper(this.#table, this)
    this.#windows = new WindowKeeper(this.#table, this)
  }

  open(policy: Policy): MemoryBucket {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    const compiled = policy as CompiledPolicy
    const tag = this.#tagOf(compiled)
    return { policy: compiled, space: this.#spaces++, tag, keeper: this.#keepers[tag] }
  }

  take(charges: readonly Charge[]): boolean {
    this.#now = this.#clock()
    if (charges.length === 1) {
      const [charge] = charges
      const bucket = charge.bucket as MemoryBucket
      return bucket.keeper.judge(charge, charge.cost, this.#find(bucket, charge.key), this.#now, true)
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
      if (slot >= 0 && charge.cost > 0) bucket.keeper.refund(charge, slot, this.#now)
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
    return { keys, maxKeys, forgotten }
  }

  sweep(): number {
    this.#now = this.#clock()
    return this.#table.sweep()
  }

  /** @internal The table asks. */
  heat(slot: number): number {
    return this.#keepers[this.#table.tag(slot)].heat(slot, this.#now)
  }

  /** @internal The table tells. */
  release(slot: number): void {
    this.#keepers[this.#table.tag(slot)].release(slot)
  }

  /** @internal A keeper asks for a slot for the key that was looked up last. */
  insert(tag: number): number {
    return this.#table.insert(this.#hasher.low, this.#hasher.high, tag)
  }

  /** Without `commit` a key that is charged more than once in one call is asked for all of it. */
  #judge(charges: readonly Charge[], commit: boolean): boolean {
    let allowed = true
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      const bucket = charge.bucket as MemoryBucket
      const slot = this.#find(bucket, charge.key)
      const cost = commit ? charge.cost : costOf(charges, charge)
      if (!bucket.keeper.judge(charge, cost, slot, this.#now, commit)) allowed = false
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
    this.#hasher.digest(bucket.space, key)
    return this.#table.find(this.#hasher.low, this.#hasher.high)
  }

  #tagOf({ algorithm, rate, per, limit, law }: CompiledPolicy): number {
    const name = `${algorithm} ${rate} ${per} ${limit}`
    const known = this.#tags.get(name)
    if (known !== undefined) return known
    const tag = this.#tags.size
    if (tag === TAGS)
      throw invalidOption('rate', rate, `at most ${TAGS} different policies in one memory store`)
    this.#tags.set(name, tag)
    if ('window' in law) this.#windows.admit(tag, law)
    else this.#buckets.admit(tag, law)
    this.#keepers[tag] = 'window' in law ? this.#windows : this.#buckets
    return tag
  }
}

/** A store in the memory of this thread. Throws `FST_FLOODGATE_OPTION` for options that are not allowed. */
export function memoryStore(options: MemoryStoreOptions = {}): SyncStore {
  return new MemoryStore(ownOptions(options, ['maxKeys', 'clock'], ''))
}
