import type { Charge } from '../../../../types/index.js'
import { type TokenBucket, tokenBucket } from '../../../policy/index.js'
import { bucketVerdict } from '../../verdict.js'
import type { Keeper, Place, SharedBucket } from './keeper.js'
import type { Part } from './part.js'
import type { Laws } from './policy-directory.js'

/**
 * Token buckets: the state of a slot is its tat in whole microseconds, its extra state the ticks beyond. The law is asked in
 * ticks from now on, so that its numbers stay exact however long the memory lives.
 */
export class BucketKeeper implements Keeper {
  readonly isWithinSlots = true
  readonly #laws: Laws
  #law: TokenBucket = { burst: 0, interval: 0, tolerance: 0, resolution: 1 }
  #tag = 0
  #now = 0
  #tat = 0

  constructor(laws: Laws) {
    this.#laws = laws
  }

  wait({ policy, tag }: SharedBucket, { part, at }: Place, cost: number, now: number): number {
    const law = policy.law as TokenBucket
    this.#law = law
    this.#tag = tag
    this.#now = now
    this.#tat = at < 0 ? 0 : tokenBucket.settle(law, ticks(law, part, at, now), 0)
    return tokenBucket.wait(law, this.#tat, 0, cost)
  }

  look(): void {}

  tell(charge: Charge, wait: number): void {
    bucketVerdict(charge, this.#law, this.#tat, 0, wait)
  }

  prepare(): number {
    return 0
  }

  charge(charge: Charge, place: Place, cost: number, lone: boolean): void {
    this.#tat = tokenBucket.charge(this.#law, this.#tat, 0, cost)
    const { resolution } = this.#law
    charge.chargedAt = this.#now + (resolution === 1 ? this.#tat : this.#tat / resolution)
    this.#write(place, lone)
  }

  refund({ bucket, cost, chargedAt }: Charge, place: Place, now: number): void {
    this.wait(bucket as SharedBucket, place, 0, now)
    const charged = Math.round((chargedAt - now) * this.#law.resolution)
    this.#tat = tokenBucket.refund(this.#law, this.#tat, 0, cost, charged)
    this.#write(place, false)
  }

  heat(tag: number, part: Part, at: number, now: number): number {
    const law = this.#laws.get(tag) as TokenBucket
    const owed = ticks(law, part, at, now)
    if (owed <= 0) return 0
    const spent = Math.min(1, owed / law.tolerance)
    return part.marked(at) ? 1 + spent : spent
  }

  release(): void {}

  #write({ part, at }: Place, lone: boolean): void {
    const { resolution } = this.#law
    // Most laws count in microseconds, and a division would be most of what is done here.
    const whole = resolution === 1 ? this.#tat : Math.floor(this.#tat / resolution)
    part.setState(at, this.#tag, this.#now + whole, this.#tat - whole * resolution, lone)
  }
}

/** The tat of a slot in ticks from `now` on. */
function ticks({ resolution }: TokenBucket, part: Part, at: number, now: number): number {
  return Math.max(0, (part.state(at) - now) * resolution + part.extra(at))
}
