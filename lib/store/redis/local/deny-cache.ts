import type { Charge } from '../../../../types/index.js'
import { totalCost } from '../../charge.js'
import { GenerationalMap } from '../../generational-map.js'
import type { RedisBucket } from '../buckets.js'
import type { RedisKey } from '../keys.js'
import { type KeyState, predict } from '../verdicts.js'

/** Microseconds after which a denial is asked for again: another process may have refunded the key. */
const GOOD_FOR = 10_000_000

interface Known {
  /** Null while a call is about to change it. */
  state: KeyState | null
  /** Whether a take was denied since the key was charged. */
  isStreak: boolean
}

/**
 * Keys that were denied: they are denied again without a call, until their own wait or block is over. Nobody
 * can lift a denial sooner but by a refund or a reset. Those made through this store are seen here at once,
 * resets of others within 2 seconds where a registration listens to them, and the rest within 10 seconds.
 * Times count from the moment of sending, so that no denial lasts longer here than there.
 */
export class DenyCache {
  readonly #known: GenerationalMap<Known>

  constructor(size: number) {
    this.#known = new GenerationalMap(size)
  }

  /**
   * Denies a call if it knows that one of its keys denies, and what all others say. Writes the verdicts then.
   */
  deny(charges: readonly Charge[], keys: readonly RedisKey[], now: number): boolean {
    if (this.#known.isEmpty) return false
    let denied = false
    for (let i = 0; i < charges.length; i++) {
      const state = this.#known.get(keys[i].name)?.state
      if (!state || now - state.at >= GOOD_FOR) return false
      const allowed = predict(charges[i], totalCost(charges, charges[i]), state, now)
      if (allowed === undefined) return false
      if (allowed) continue
      if (!mayDeny(charges[i])) return false
      denied = true
    }
    if (denied) for (const charge of charges) charge.source = 'store'
    return denied
  }

  /** Remembers what the store said of a call that it denied. */
  remember(keys: readonly RedisKey[], states: readonly KeyState[]): void {
    for (let i = 0; i < keys.length; i++) {
      const { name } = keys[i]
      this.#known.set(name, { state: states[i], isStreak: this.#known.get(name)?.isStreak === true })
    }
  }

  /** After a take was denied: writes which charges began a streak of denials, and notes the streaks. */
  note(charges: readonly Charge[], keys: readonly RedisKey[]): void {
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      if (charge.allowed || charge.blocked || charge.retryAfter === Number.POSITIVE_INFINITY) continue
      const known = this.#known.get(keys[i].name)
      charge.first = known?.isStreak !== true
      if (known !== undefined) known.isStreak = true
    }
  }

  /** Forgets the states of keys that a call is about to change. */
  forget(keys: readonly RedisKey[]): void {
    if (this.#known.isEmpty) return
    for (const { name } of keys) {
      const known = this.#known.get(name)
      if (known !== undefined) known.state = null
    }
  }

  /** Forgets keys that were charged, or that somebody freed. */
  lift(keys: readonly Pick<RedisKey, 'name'>[]): void {
    if (this.#known.isEmpty) return
    for (const { name } of keys) this.#known.delete(name)
  }

  clear(): void {
    this.#known.clear()
  }
}

/**
 * Whether a denial that is remembered may be given again. Work in progress ends at any time. A denial that
 * begins a block must be the store's.
 */
function mayDeny({ bucket, blocked, retryAfter }: Charge): boolean {
  return (bucket as RedisBucket).remembers || blocked || retryAfter === Number.POSITIVE_INFINITY
}
