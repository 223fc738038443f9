import type { Charge } from '../../../../types/index.js'
import { type TokenBucket, tokenBucket } from '../../../policy/index.js'
import { bucketVerdict } from '../../verdict.js'
import type { Effect, Keeper, Place, SharedBucket } from './keeper.js'
import type { Part } from './part.js'

/**
 * Token buckets. The law gets times in ticks from now on, so its numbers stay exact however long the memory
 * lives.
 */
export class BucketKeeper implements Keeper {
  judge(charge: Charge, cost: number, place: Place, now: number, effect: Effect): boolean {
    const law = (charge.bucket as SharedBucket).policy.law as TokenBucket
    let tat = tokenBucket.heal(law, ticksFrom(now, law.resolution, place), 0)
    const wait = tokenBucket.wait(law, tat, 0, cost)
    const allowed = wait <= law.patience
    if (allowed && cost > 0 && effect !== 'nothing') {
      tat = tokenBucket.charge(law, tat, 0, cost)
      charge.chargedAt = now + (law.resolution === 1 ? tat : tat / law.resolution)
      if (place.at < 0) this.prepare(charge, cost, place)
      write(charge, place, now, tat, effect === 'single')
    }
    bucketVerdict(charge, law, tat, 0, wait)
    return allowed
  }

  prepare(_charge: Charge, _cost: number, place: Place): boolean {
    if (place.at < 0) place.at = place.part.insert(place.low, place.high)
    return true
  }

  refund(charge: Charge, place: Place, now: number): void {
    const law = (charge.bucket as SharedBucket).policy.law as TokenBucket
    const charged = Math.round((charge.chargedAt - now) * law.resolution)
    const tat = ticksFrom(now, law.resolution, place)
    write(charge, place, now, tokenBucket.refund(law, tat, 0, charge.cost, charged), false)
  }

  heat(part: Part, at: number, now: number): number {
    const owed = part.microsFrom(at, now)
    if (owed <= 0) return 0
    return part.isDenied(at) ? 1 + owed : Math.min(1, owed / part.fillTime(at))
  }

  release(): void {}
}

/** Writes a tat that is so many ticks from `now` on. */
function write({ bucket }: Charge, { part, at }: Place, now: number, tat: number, single: boolean): void {
  const { policy, fillBits } = bucket as SharedBucket
  const { resolution } = policy.law as TokenBucket
  // Most laws count in microseconds, and a division takes longer than the rest of this.
  const micros = resolution === 1 ? tat : Math.floor(tat / resolution)
  part.setTat(at, now + micros, tat - micros * resolution, fillBits, single)
}

/** The tat of a key in ticks from `now` on; 0 for a full bucket. */
function ticksFrom(now: number, resolution: number, { part, at }: Place): number {
  return at < 0 ? 0 : part.ticksFrom(at, now, resolution)
}
