import type { Bucket, Policy } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption } from '../../policy/index.js'
import type { MemoryBucket } from '../memory/keeper.js'

/** The key space of a bucket that was opened by name, and of those that are opened in it later. */
export interface Space {
  /** What the names of its keys have in common, between the law and the digest. */
  readonly name: string
  /** The policy of the bucket that was opened by name. */
  readonly first: CompiledPolicy
}

/** A policy opened in a Redis store. The store holds no reference to it, so an unused bucket is garbage. */
export interface RedisBucket extends Bucket {
  readonly policy: CompiledPolicy
  readonly space: Space
  /** Number of the bucket within the store. */
  readonly id: number
  /** The law as the script reads it. */
  readonly law: readonly number[]
  /** Whether units may be leased. */
  readonly leases: boolean
  /** Whether a denial that is no block may be remembered. */
  readonly remembers: boolean
  /** Whether the offences of its keys are counted, because each further block is longer. */
  readonly counts: boolean
  /** What the names of its keys have in common, between the hash tag and the digest. */
  readonly stem: string
  /** What the names of those with hash tag 0 begin with. */
  readonly head: string
  /** The bucket of the local laws that stand in for the store. */
  readonly local: MemoryBucket
}

/** Opens a policy in the store of local laws, in a new space or in that of another bucket. */
type OpenLocal = (policy: CompiledPolicy, space: string | MemoryBucket) => MemoryBucket

/** Opens policies, each in a new space or in that of another bucket. */
export class Buckets {
  readonly #prefix: string
  readonly #openLocal: OpenLocal
  /** How often a space of each name and law was opened. Laws that come and go in one space do not count. */
  readonly #opened = new Map<string, number>()
  #next = 0

  constructor(prefix: string, openLocal: OpenLocal) {
    this.#prefix = prefix
    this.#openLocal = openLocal
  }

  open(policy: Policy, space: string | RedisBucket): RedisBucket {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    const compiled = policy as CompiledPolicy
    const { algorithm, wait, block } = compiled
    const isNew = typeof space === 'string'
    const ownSpace = isNew ? this.#openSpace(compiled, space) : space.space
    const stem = stemOf(compiled, ownSpace)
    return {
      policy: compiled,
      space: ownSpace,
      id: this.#next++,
      law: numbersOf(compiled),
      // A window is exact to the instant. What others lease must neither hold a call up nor block its key.
      leases: algorithm === 'token-bucket' && wait === 0 && block === null,
      remembers: algorithm !== 'concurrency' && block === null,
      counts: block !== null && block.factor > 1,
      stem,
      head: headOf(this.#prefix, 0, stem),
      local: this.#openLocal(compiled, isNew ? space : space.local),
      counters: null,
    }
  }

  /** A new space for a policy of a limiter. The second of the same name and law differs from the first. */
  #openSpace(first: CompiledPolicy, limiter: string): Space {
    const own = first.name === limiter ? '' : `/${encodeURIComponent(first.name)}`
    const full = encodeURIComponent(limiter) + own
    const opened = `${nameOf(first)}:${full}`
    const times = (this.#opened.get(opened) ?? 0) + 1
    this.#opened.set(opened, times)
    return { name: times === 1 ? full : `${full}#${times}`, first }
  }
}

/** What the names of a bucket's keys with one hash tag begin with. */
export function headOf(prefix: string, tag: number, stem: string): string {
  return `${prefix}:{${tag}}:${stem}:`
}

/**
 * A law in the names of its keys: what one law keeps would look damaged to another, which would heal it and
 * give units back. `b10-600` is a bucket of 10 units, one of which comes back each 600 ms; in `b9-1000/3`
 * three do each 1,000 ms, and with `b10-600+2000` calls wait for up to 2,000 ms. `w60000` is a window of a
 * minute, of whatever rate: any rate counts the same instants. So it is with `c60000`, of units in progress.
 */
function nameOf({ algorithm, law }: CompiledPolicy): string {
  if ('window' in law) return `${algorithm === 'concurrency' ? 'c' : 'w'}${law.window / 1000}`
  const { burst, interval, patience, resolution } = law
  const parts = resolution === 1 ? '' : `/${resolution}`
  return `b${burst}-${interval / 1000}${parts}${patience === 0 ? '' : `+${patience / resolution / 1000}`}`
}

/**
 * What the names of a law's keys in a space have in common, between the hash tag and the digest. The law that
 * the space was opened with needs its own name only. Others have both, and the rate of a window, so that no
 * two laws of a space share keys: `b20-300@b10-600:search`, `w60000/5@b10-600:search`.
 */
function stemOf(policy: CompiledPolicy, { name, first }: Space): string {
  const [own, other] = [nameOf(policy), nameOf(first)]
  const isWindow = policy.algorithm !== 'token-bucket'
  const isFirst = own === other && (!isWindow || policy.rate === first.rate)
  return isFirst ? `${own}:${name}` : `${own}${isWindow ? `/${policy.rate}` : ''}@${other}:${name}`
}

/** A law, and the lengths of its blocks in microseconds, as the script reads them. */
function numbersOf({ law, block }: CompiledPolicy): readonly number[] {
  const micros = (ms: number) => Math.round(ms * 1000)
  const blocks =
    block === null ? [] : [micros(block.for), block.factor, micros(block.max), micros(block.forget)]
  if ('window' in law) return [1, law.rate, law.window, ...blocks]
  // A rate of 0 has no interval; with any, no unit fits into its tolerance of 0.
  return [0, law.interval || 1, law.tolerance + law.patience, law.resolution, ...blocks]
}
