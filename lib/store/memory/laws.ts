import type { MemoryBucket, SlotKeeper, SlotUse, StoredLaw } from './keeper.js'
import { NARROW_LAW_IDS } from './table.js'

/**
 * The laws that the keys of a store use, and other uses of slots, each with an id. A law comes with its first
 * key and goes with its last, so there are never more laws than keys. A policy that is opened and not used
 * costs nothing.
 */
export class Laws {
  readonly #byId: (SlotUse | null)[] = []
  readonly #byName = new Map<string, SlotUse>()
  /** Unused ids: the narrow ones, which cost least, and the wide ones. */
  readonly #free: number[] = []
  readonly #freeWide: number[] = []

  /** A use of slots that is no law. It keeps its id for ever. */
  reserve(id: number, name: string, keeper: SlotKeeper): SlotUse {
    const use = { name, keeper, keys: 1, id }
    this.#byId[id] = use
    return use
  }

  /** The law that a bucket uses now. */
  of(bucket: MemoryBucket, now: number): StoredLaw {
    return bucket.law.keys > 0 ? bucket.law : this.#renew(bucket, now)
  }

  /** The use of the slots that hold this id. */
  at(lawId: number): SlotUse {
    return this.#byId[lawId] as SlotUse
  }

  /** Counts one more slot of a use. Returns the id of the use. */
  add(use: SlotUse): number {
    if (use.keys++ > 0) return use.id
    // A wide id is unused only if all narrow ids were in use before.
    use.id = this.#free.pop() ?? this.#freeWide.pop() ?? this.#byId.length
    this.#byId[use.id] = use
    this.#byName.set(use.name, use)
    return use.id
  }

  /** Counts one slot of a use less. */
  remove(use: SlotUse): void {
    use.keys--
    if (use.keys > 0) return
    this.#byId[use.id] = null
    this.#byName.delete(use.name)
    const free = use.id < NARROW_LAW_IDS ? this.#free : this.#freeWide
    free.push(use.id)
  }

  #renew(bucket: MemoryBucket, now: number): StoredLaw {
    bucket.law = (this.#byName.get(bucket.law.name) as StoredLaw | undefined) ?? bucket.law
    // A law without keys may start its ticks again, because no slot holds any.
    if (bucket.law.keys === 0) bucket.law.epoch = now
    return bucket.law
  }
}
