import type { MemoryBucket, StoredLaw } from './keeper.js'
import { NARROW_LAW_IDS } from './table.js'

/**
 * The laws that the keys of a store use, each with an id. A law comes with its first key and goes with its
 * last, so there are never more laws than keys. A policy that is opened and not used costs nothing.
 */
export class Laws {
  readonly #byId: (StoredLaw | null)[] = []
  readonly #byName = new Map<string, StoredLaw>()
  /** Unused ids: the narrow ones, which cost least, and the wide ones. */
  readonly #free: number[] = []
  readonly #freeWide: number[] = []

  /** The law that a bucket uses now. */
  of(bucket: MemoryBucket, now: number): StoredLaw {
    return bucket.law.keys > 0 ? bucket.law : this.#renew(bucket, now)
  }

  /** The law of an id that slots use. */
  at(lawId: number): StoredLaw {
    return this.#byId[lawId] as StoredLaw
  }

  /** Counts one more key of a law. Returns the id of the law. */
  add(law: StoredLaw): number {
    if (law.keys++ > 0) return law.id
    // A wide id is unused only if all narrow ids were in use before.
    law.id = this.#free.pop() ?? this.#freeWide.pop() ?? this.#byId.length
    this.#byId[law.id] = law
    this.#byName.set(law.name, law)
    return law.id
  }

  /** Counts one key of a law less. */
  remove(law: StoredLaw): void {
    law.keys--
    if (law.keys > 0) return
    this.#byId[law.id] = null
    this.#byName.delete(law.name)
    const free = law.id < NARROW_LAW_IDS ? this.#free : this.#freeWide
    free.push(law.id)
  }

  #renew(bucket: MemoryBucket, now: number): StoredLaw {
    bucket.law = this.#byName.get(bucket.law.name) ?? bucket.law
    // A law without keys may start its ticks again, because no slot holds any.
    if (bucket.law.keys === 0) bucket.law.epoch = now
    return bucket.law
  }
}
