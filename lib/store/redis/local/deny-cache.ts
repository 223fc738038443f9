import type { Charge } from '../../../../types/index.js'
import { costOf } from '../../charge.js'
import type { RedisKey } from '../keys.js'
import { type KeyState, predict } from '../verdicts.js'
import { GenerationalMap } from './generational-map.js'

/**
 * Microseconds after which a denial is asked for again: another process may have refunded or reset the key.
 */
const GOOD_FOR = 10_000_000

/**
 * Keys that were denied: they are denied again without a call, until their own wait is over. Nobody can lift
 * a denial sooner but by a refund or a reset; those made through this store are seen here at once, those of
 * others within 10 seconds. Times count from the moment of sending, so that no denial lasts longer here than
 * there.
 */
export class DenyCache {
  readonly #known: GenerationalMap<KeyState>

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
      const known = this.#known.get(keys[i].name)
      if (known === undefined || now - known.at >= GOOD_FOR) return false
      const allowed = predict(charges[i], costOf(charges, charges[i]), known, now)
      if (allowed === undefined) return false
      if (!allowed) denied = true
    }
    if (denied) for (const charge of charges) charge.source = 'store'
    return denied
  }

  /** Learns what the store said of a call that it denied. */
  learn(keys: readonly RedisKey[], states: readonly KeyState[]): void {
    for (let i = 0; i < keys.length; i++) this.#known.set(keys[i].name, states[i])
  }

  lift(keys: readonly RedisKey[]): void {
    if (this.#known.isEmpty) return
    for (const { name } of keys) this.#known.delete(name)
  }
}
