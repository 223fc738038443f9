import type { Charge } from '../../../../types/index.js'
import type { RedisKey } from '../keys.js'

/** A question to the store: charges, and where the key of each is kept. */
export interface Asked {
  readonly charges: readonly Charge[]
  readonly addresses: readonly RedisKey[]
}

export type Deciding = 'take' | 'peek'

/** Asks about the part of a question that lies in one shard. */
export interface Shards {
  decide(verb: Deciding, part: Asked): Promise<boolean>
  refund(part: Asked): Promise<void>
}

/**
 * Decides about keys of several shards, which no script can charge at once: all are looked at, and if all allow, all are charged.
 * If one denies after all, because another process was faster, the others get their units back. So a denial charges none and
 * nothing is admitted that one of them denies, but for a moment others may be denied units that then come back.
 */
export async function decideAcrossShards(verb: Deciding, asked: Asked, ask: Shards): Promise<boolean> {
  const shards = new Set(asked.addresses.map(({ shard }) => shard))
  const parts = [...shards].map((shard) => partOf(asked, shard))
  const look = async () => (await Promise.all(parts.map((part) => ask.decide('peek', part)))).every(Boolean)
  if (verb === 'peek') return look()
  if (!(await look())) return false
  const takes = await Promise.allSettled(parts.map((part) => ask.decide('take', part)))
  if (takes.every((take) => take.status === 'fulfilled' && take.value)) return true
  await Promise.all(parts.map((part, i) => (charged(takes[i]) ? ask.refund(part) : undefined)))
  const failure = takes.find((take) => take.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  // What was charged and given back shall not tell that it was.
  await Promise.all(parts.map((part, i) => (charged(takes[i]) ? ask.decide('peek', part) : undefined)))
  return false
}

function charged(take: PromiseSettledResult<boolean>): boolean {
  return take.status === 'fulfilled' && take.value
}

function partOf({ charges, addresses }: Asked, shard: number): Asked {
  const own = <T>(list: readonly T[]): T[] => list.filter((_, i) => addresses[i].shard === shard)
  return { charges: own(charges), addresses: own(addresses) }
}
