import type { Charge } from '../../../../types/index.js'
import type { RedisKey } from '../keys.js'

/** Charges, and the Redis key of each. */
export interface KeyedCharges {
  readonly charges: readonly Charge[]
  readonly keys: readonly RedisKey[]
}

export type Deciding = 'take' | 'peek'

/** Calls for the part of some charges that lies in one shard. */
export interface Shards {
  decide(verb: Deciding, part: KeyedCharges): Promise<boolean>
  refund(part: KeyedCharges): Promise<void>
  /** Called when all charges are denied: begins the blocks that the denial begins. */
  onDenied(): Promise<void>
}

/**
 * Decides about keys of several shards, which no script can charge at once: all are looked at, and if all
 * allow, all are charged. If one denies after all, because another process was faster, the others get their
 * units back. So a denial charges none and nothing is admitted that one of them denies, but for a moment
 * others may be denied units that then come back.
 */
export async function decideAcrossShards(
  verb: Deciding,
  keyed: KeyedCharges,
  shards: Shards,
): Promise<boolean> {
  const numbers = new Set(keyed.keys.map(({ shard }) => shard))
  const parts = [...numbers].map((shard) => partOf(keyed, shard))
  const peekAll = async () =>
    (await Promise.all(parts.map((part) => shards.decide('peek', part)))).every(Boolean)
  if (verb === 'peek') return peekAll()
  if (!(await peekAll())) {
    await shards.onDenied()
    return false
  }
  const takes = await Promise.allSettled(parts.map((part) => shards.decide('take', part)))
  if (takes.every((take) => take.status === 'fulfilled' && take.value)) return true
  await Promise.all(parts.map((part, i) => (charged(takes[i]) ? shards.refund(part) : undefined)))
  const failure = takes.find((take) => take.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  // Read again, so that the verdicts do not include the refunded units.
  await Promise.all(parts.map((part, i) => (charged(takes[i]) ? shards.decide('peek', part) : undefined)))
  await shards.onDenied()
  return false
}

function charged(take: PromiseSettledResult<boolean>): boolean {
  return take.status === 'fulfilled' && take.value
}

function partOf({ charges, keys }: KeyedCharges, shard: number): KeyedCharges {
  const own = <T>(list: readonly T[]): T[] => list.filter((_, i) => keys[i].shard === shard)
  return { charges: own(charges), keys: own(keys) }
}
