import type { Bucket, Charge, Store } from '../../types/index.js'
import { newCharge } from '../store/index.js'
import { ask } from './ask.js'
import { clockOf, KeptBlocks } from './kept-blocks.js'
import { LateBlocks } from './late-blocks.js'

/** Milliseconds within which processes hear of each other. */
const UNKNOWN = 2000

/** The blocks that operators set by hand on keys of a limiter: they go on while its laws come and go. */
export abstract class BlockingLimiter<S extends Store> {
  readonly store: S
  abstract buckets: readonly Bucket[]
  /** Made when it is needed, as an app may have thousands of limiters. */
  #blocks: KeptBlocks | null = null
  #late: LateBlocks | null = null

  constructor(store: S) {
    this.store = store
  }

  /**
   * The laws that count a key, and those in whose spaces they are, as a text: the same in all processes that
   * count the key as one.
   */
  abstract lawsOf(key: string): string

  /** Another process blocked a key for so many ms, in the store and under `laws`. */
  hearBlock(key: string, ms: number, laws: string): void {
    this.#hearBlock(key, ms, laws !== this.lawsOf(key))
  }

  #hearBlock(key: string, ms: number, isOther: boolean): void {
    if (isOther) this.blockToo(key, ms)
    else this.keepBlock(key, ms)
    for (const limiter of this.also(key)) limiter.#hearBlock(key, ms, isOther)
  }

  /**
   * Another process reset a key so many ms ago, in the store and under `laws`. Where they are others here, or
   * this process has blocked the key again because it did not know, the key is reset here, too.
   */
  hearReset(key: string, age: number, laws: string): void {
    this.#hearReset(key, age, laws !== this.lawsOf(key))
  }

  #hearReset(key: string, age: number, isOther: boolean): void {
    const wasBlocked = this.dropBlock(key)
    const isHere = isOther || (wasBlocked && this.#blocks?.notedWithin(age + UNKNOWN) === true)
    // A store that does not answer loses it.
    if (isHere) this.store.reset(ask(this.newCharges(), key, 0))?.catch(() => {})
    for (const limiter of this.also(key)) limiter.#hearReset(key, age, isHere)
  }

  /** Laws that are not in force may have a key blocked for so many ms, although it was reset. */
  hearLifted(key: string, ms: number): void {
    this.#keptBlocks().set(key, 0, ms)
    for (const limiter of this.also(key)) limiter.hearLifted(key, ms)
  }

  /** The store has lost what it had: blocks that were set by hand begin again. */
  onLoss(): void {
    for (const [key, ms] of this.#blocks ?? []) if (ms > 0) this.blockAgain(key, ms)
  }

  /** Ends what goes on by itself. */
  close(): void {
    this.#late?.close()
  }

  /** The milliseconds until no law has a key blocked by hand any more, as far as this process knows. */
  blockedAnywhere(key: string): number {
    return this.#blocks?.rest(key) ?? 0
  }

  /** Limiters for which what is said of a key holds, too: those of its overrides, and that of its address. */
  protected abstract also(key: string): readonly this[]

  /** Other laws are in force: what is blocked goes on, and what was lifted stays so. */
  protected carryBlocks(): void {
    for (const [key] of this.#blocks ?? []) this.#carry(key)
  }

  /** Another limiter counts a key from now on. */
  protected handOn(key: string, limiter: this): void {
    const rest = this.blockedAnywhere(key)
    if (rest === 0) return
    limiter.#keptBlocks().set(key, this.#keptBlocks().left(key), rest)
    limiter.#carry(key)
  }

  /** Blocks a key that is blocked in other laws. */
  protected blockToo(key: string, ms: number): void {
    this.keepBlock(key, ms)
    this.blockAgain(key, ms)
  }

  /** Blocks a key as it was blocked before, in the laws that are in force now. */
  protected blockAgain(key: string, ms: number): void {
    this.#keptBlocks().note()
    // A store that does not answer has its limits of this process blocked meanwhile.
    this.store.block(ask(this.newCharges(), key, 0), ms)?.catch(() => this.#carryLater(key))
  }

  protected keepBlock(key: string, ms: number): void {
    this.#keptBlocks().set(key, ms)
  }

  /** Returns whether the key was blocked. */
  protected dropBlock(key: string): boolean {
    return this.#blocks?.delete(key) === true
  }

  protected newCharges(): readonly Charge[] {
    return this.buckets.map(newCharge)
  }

  #carry(key: string): void {
    const ms = this.#keptBlocks().left(key)
    if (ms > 0) this.blockAgain(key, ms)
    else if (this.blockedAnywhere(key) > 0) this.#lift(key)
  }

  /** Lifts a block that the laws in force have from the time before they went. */
  #lift(key: string): void {
    const charges = ask(this.newCharges(), key, 0)
    // Only what is blocked: other processes do the same, and the key may have been charged since.
    const lift = () => this.store.reset(charges.filter(({ blocked }) => blocked))
    const answer = this.store.peek(charges)
    if (this.store.sync) lift()
    else
      Promise.resolve(answer)
        .then(lift)
        .catch(() => this.#carryLater(key))
  }

  #carryLater(key: string): void {
    this.#late ??= new LateBlocks((key) => this.#carry(key))
    this.#late.add(key)
  }

  #keptBlocks(): KeptBlocks {
    this.#blocks ??= new KeptBlocks(clockOf(this.store))
    return this.#blocks
  }
}
