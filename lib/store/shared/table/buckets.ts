import { createHash } from 'node:crypto'
import type { Policy } from '../../../../types/index.js'
import { type CompiledPolicy, invalidOption, lawNumbers } from '../../../policy/index.js'
import { KeyHasher } from '../../key-hash.js'
import type { Cells } from '../memory/cells.js'
import { HEADER, type Layout, SEGMENT_HEADER } from '../memory/layout.js'
import { BucketKeeper } from './bucket-keeper.js'
import type { Keeper, SharedBucket } from './keeper.js'
import { fillBits } from './slots.js'
import { orderFor, WindowKeeper } from './window-keeper.js'

/** Opens policies in a memory, and knows who keeps their keys. */
export class Buckets {
  readonly #cells: Cells
  readonly #layout: Layout
  readonly #buckets = new BucketKeeper()
  readonly #windows = new WindowKeeper()
  /** How often each policy was opened in each space. */
  readonly #opened = new Map<string, number>()

  constructor(cells: Cells, layout: Layout) {
    this.#cells = cells
    this.#layout = layout
  }

  /**
   * Opens a policy in a space: a new space of that name, or the space of another bucket, in which equal laws
   * share their keys. The seed of a bucket's hash comes from the memory's own seed and from what is the same
   * in every thread: the name of the space and the law that it was opened with, how often this store did
   * that, and the numbers of the law. So a law is part of its keys' names. Throws `FST_FLOODGATE_OPTION` for
   * a policy that this memory has no room for.
   */
  open(policy: Policy, space: string | SharedBucket): SharedBucket {
    const compiled = this.#check(policy)
    const { law } = compiled
    const numbers = lawNumbers(compiled)
    const full = typeof space === 'string' ? this.#newSpace(space, numbers) : space.space
    const seed = this.#cells.words.slice(HEADER.SEED, HEADER.SEED + 2)
    const digest = createHash('sha256')
      .update(seed)
      .update(JSON.stringify([full, ...numbers]))
      .digest()
    const own =
      'window' in law
        ? { keeper: this.#windows, fillBits: 0 }
        : { keeper: this.#buckets, fillBits: fillBits(law) }
    return { policy: compiled, space: full, hasher: new KeyHasher(digest), ...own, counters: null }
  }

  /** The keeper of the keys of windows, or of those of token buckets. */
  keeperOf(isWindow: boolean): Keeper {
    return isWindow ? this.#windows : this.#buckets
  }

  #newSpace(name: string, numbers: readonly unknown[]): string {
    const policy = JSON.stringify([name, ...numbers])
    const before = this.#opened.get(policy) ?? 0
    this.#opened.set(policy, before + 1)
    return `${before} ${policy}`
  }

  #check(policy: Policy): CompiledPolicy {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    // While a ring grows it is there twice, and the smaller one lies in one half of the arena.
    const most = this.#layout.order - 1
    const { algorithm, limit } = policy
    if (algorithm !== 'token-bucket' && orderFor(limit) > most) {
      const needed = 2 ** (orderFor(limit) + 1) * this.#layout.parts
      const allowed = `at most ${2 ** most - SEGMENT_HEADER} with '${algorithm}' here; maxUnits: ${needed} has room for it`
      throw invalidOption(algorithm === 'concurrency' ? 'limit' : 'rate', limit, allowed)
    }
    return policy as CompiledPolicy
  }
}
