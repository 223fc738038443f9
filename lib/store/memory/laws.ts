import type { MemoryBucket, StoredLaw } from './keeper.js'
import { TAGS } from './table.js'

/**
 * The laws that keys of a store use, each under a tag of its own. A law comes with its first key and goes with its last, so
 * there are never more of them than keys, and what was opened in between costs nothing.
 */
export class Laws {
  readonly #byTag: (StoredLaw | null)[] = []
  readonly #byName = new Map<string, StoredLaw>()
  /** Tags that were given back: those below `TAGS`, which cost least, and others. */
  readonly #free: number[] = []
  readonly #freeWide: number[] = []

  /** The law of a bucket, as it is now. */
  of(bucket: MemoryBucket, now: number): StoredLaw {
    return bucket.law.keys > 0 ? bucket.law : this.#renew(bucket, now)
  }

  /** The law of a slot. */
  at(tag: number): StoredLaw {
    return this.#byTag[tag] as StoredLaw
  }

  /** One key more uses that law; returns its tag. */
  add(law: StoredLaw): number {
    if (law.keys++ > 0) return law.tag
    // A wide tag was given back only if all others were in use before.
    law.tag = this.#free.pop() ?? this.#freeWide.pop() ?? this.#byTag.length
    this.#byTag[law.tag] = law
    this.#byName.set(law.name, law)
    return law.tag
  }

  /** One key less uses that law. */
  remove(law: StoredLaw): void {
    law.keys--
    if (law.keys > 0) return
    this.#byTag[law.tag] = null
    this.#byName.delete(law.name)
    const free = law.tag < TAGS ? this.#free : this.#freeWide
    free.push(law.tag)
  }

  #renew(bucket: MemoryBucket, now: number): StoredLaw {
    bucket.law = this.#byName.get(bucket.law.name) ?? bucket.law
    // Without keys there are no ticks that a new start could change.
    if (bucket.law.keys === 0) bucket.law.epoch = now
    return bucket.law
  }
}
