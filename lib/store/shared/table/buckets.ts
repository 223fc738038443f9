import { createHash } from 'node:crypto'
import type { Policy } from '../../../../types/index.js'
import { type CompiledPolicy, invalidOption } from '../../../policy/index.js'
import { KeyHasher } from '../../key-hash.js'
import type { Cells } from '../memory/cells.js'
import { BLOCK_HEADER, HEADER, type Layout, TAGS } from '../memory/layout.js'
import { BucketKeeper } from './bucket-keeper.js'
import type { Keeper, SharedBucket } from './keeper.js'
import { Laws } from './policy-directory.js'
import { orderFor, WindowKeeper } from './window-keeper.js'

/** The key spaces that a store has opened, and who keeps their keys. */
export class Spaces {
  readonly #cells: Cells
  readonly #layout: Layout
  readonly #laws: Laws
  readonly #buckets: BucketKeeper
  readonly #windows: WindowKeeper
  /** How often each was opened. */
  readonly #opened = new Map<string, number>()

  constructor(cells: Cells, layout: Layout) {
    this.#cells = cells
    this.#layout = layout
    this.#laws = new Laws(cells, layout)
    this.#buckets = new BucketKeeper(this.#laws)
    this.#windows = new WindowKeeper(this.#laws, layout)
  }

  /** The time at which the memory's time starts, which is `now` for the first who asks. For who holds the directory's lock. */
  epoch(now: number): number {
    const { words, doubles } = this.#cells
    if (words[HEADER.STARTED] === 0) {
      this.#cells.setDouble(HEADER.EPOCH, now)
      this.#cells.publish(HEADER.STARTED, 1)
    }
    return doubles[HEADER.EPOCH >> 1]
  }

  /** Throws `FST_FLOODGATE_OPTION` for a policy that this memory has no room for. */
  check(policy: Policy): CompiledPolicy {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    // While a ring grows it is there twice, and the smaller one lies in one half of the arena.
    const most = this.#layout.order - 1
    if (policy.algorithm === 'sliding-window' && orderFor(policy.rate) > most) {
      const needed = 2 ** (orderFor(policy.rate) + 1) * this.#layout.parts
      const allowed = `at most ${2 ** most - BLOCK_HEADER} in a sliding window here; maxUnits: ${needed} has room for it`
      throw invalidOption('rate', policy.rate, allowed)
    }
    return policy as CompiledPolicy
  }

  /** The tag of a policy's law, for who holds the directory's lock; -1 where the directory is full. */
  tagOf(policy: CompiledPolicy): number {
    return this.#laws.tagOf(policy)
  }

  /**
   * A bucket of its own. The seed of its hash is drawn from the seed of the memory by what is the same in every thread: the name
   * of the space, the numbers of the law, and how often this store has opened both before.
   */
  open(policy: CompiledPolicy, tag: number, space: string): SharedBucket {
    if (tag < 0) throw invalidOption('rate', policy.rate, `at most ${TAGS} different policies in one memory`)
    const { algorithm, rate, per, limit } = policy
    const name = JSON.stringify([algorithm, rate, per, limit, space])
    const before = this.#opened.get(name) ?? 0
    this.#opened.set(name, before + 1)
    const seed = this.#cells.words.slice(HEADER.SEED, HEADER.SEED + 2)
    const digest = createHash('sha256').update(seed).update(`${before} ${name}`).digest()
    const keeper = 'window' in policy.law ? this.#windows : this.#buckets
    return { policy, tag, hasher: new KeyHasher(digest), keeper }
  }

  /** Who keeps the slots of a tag; null where no policy has that tag. */
  keeperOf(tag: number): Keeper | null {
    const law = this.#laws.get(tag)
    if (law === null) return null
    return 'window' in law ? this.#windows : this.#buckets
  }
}
