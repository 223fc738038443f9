import type { Charge } from '../../../../types/index.js'
import { type CompiledPolicy, tokenBucket } from '../../../policy/index.js'
import type { MemoryBucket } from '../../memory/keeper.js'
import { MemoryStore } from '../../memory/store.js'
import type { RedisBucket } from '../buckets.js'

/** What answers while the store does not. */
export type OnStoreFailure = 'local' | 'allow' | 'deny'

/** The meaning of each mode, for logs. */
export const IN_FORCE: Readonly<Record<OnStoreFailure, string>> = {
  local: 'limits of this process apply',
  allow: 'every request is allowed',
  deny: 'requests get 503',
}

/** Stands in for the store: limits of this process, everything allowed, or an error for each call. */
export class Fallback {
  /** Takes that it decided. */
  decisions = 0
  readonly #mode: OnStoreFailure
  readonly #instances: number
  /** Without a prototype: see `ownOptions`. */
  readonly #local = new MemoryStore(Object.create(null))

  constructor(mode: OnStoreFailure, instances: number) {
    this.#mode = mode
    this.#instances = instances
    // Nobody can make it larger.
    this.#local.onWarning(() => {})
  }

  /** `space`: the name of a new space, or a bucket that this opened in that space. */
  open(policy: CompiledPolicy, space: string | MemoryBucket): MemoryBucket {
    return this.#local.open(share(policy, this.#instances), space)
  }

  /** Answers a take or a peek. Throws the error of `failure` where the mode is 'deny'. */
  decide(verb: 'take' | 'peek', charges: readonly Charge[], failure: () => Error): boolean {
    if (this.#mode === 'deny') throw failure()
    if (verb === 'take') this.decisions++
    if (this.#mode === 'allow') {
      for (const charge of charges) allowUncounted(charge)
      return true
    }
    const local = charges.map(localCharge)
    const allowed = this.#local[verb](local)
    for (const [i, { bucket: _, ...verdict }] of local.entries()) {
      Object.assign(charges[i], { ...verdict, source: 'local' })
    }
    return allowed
  }

  /** Gives back what was charged here. */
  refund(charges: readonly Charge[]): void {
    this.#local.refund(charges.map(localCharge))
  }

  reset(charges: readonly Charge[]): void {
    this.#local.reset(charges.map(localCharge))
  }

  block(charges: readonly Charge[], ms: number): void {
    this.#local.block(charges.map(localCharge), ms)
  }
}

function localCharge(charge: Charge): Charge {
  return { ...charge, bucket: (charge.bucket as RedisBucket).local }
}

/**
 * The part of a policy that one of `instances` processes may spend on its own: a burst divided and refilled
 * as many times slower, a window divided; never less than a unit, so that more instances than units may
 * exceed the policy together.
 */
export function share(policy: CompiledPolicy, instances: number): CompiledPolicy {
  const limit = policy.limit === 0 ? 0 : Math.max(1, Math.floor(policy.limit / instances))
  if (policy.algorithm !== 'token-bucket') {
    return { ...policy, rate: limit, limit, law: { ...policy.law, rate: limit } }
  }
  const per = policy.per * instances
  const law = tokenBucket.tokenBucket(
    policy.rate,
    Math.round(per * 1000),
    limit,
    Math.round(policy.wait * 1000),
  )
  // A bucket that would take longer to fill than can be counted refills as the whole does.
  return law === null
    ? { ...policy, limit, law: { ...policy.law, burst: limit, tolerance: limit * policy.law.interval } }
    : { ...policy, per, limit, law }
}

/** Nothing counted it, so nothing is known about what is left. */
function allowUncounted(charge: Charge): void {
  charge.allowed = true
  charge.remaining = Number.POSITIVE_INFINITY
  charge.resetAfter = 0
  charge.renewAfter = 0
  charge.retryAfter = 0
  charge.delay = 0
  charge.blocked = false
  charge.source = 'none'
}
