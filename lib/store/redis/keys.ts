import type { Bucket } from '../../../types/index.js'
import type { CompiledPolicy, SlidingWindow, TokenBucket } from '../../policy/index.js'
import type { Digest } from './digest.js'

/** A policy opened in a Redis store. */
export interface RedisBucket extends Bucket {
  readonly policy: CompiledPolicy
  /** Number of the bucket within the store. */
  readonly id: number
  /** The law as the script reads it. */
  readonly law: readonly number[]
  /** What the names of its keys have in common, between the hash tag and the digest. */
  readonly stem: string
  /** What the names of those with hash tag 0 begin with. */
  readonly head: string
  /** The bucket of the local laws that stand in for the store. */
  readonly local: Bucket
}

/** A client's key in a bucket, and its name in Redis. */
export interface RedisKey {
  readonly bucket: RedisBucket
  readonly key: string
  readonly name: string
  /** Number of the hash tag in the name, where keys with different ones cannot be used at once; else 0. */
  readonly shard: number
}

/** Places for recent keys, a power of two, and the longest key that takes one. */
const PLACES = 1024
const LONGEST_KEPT = 128

/**
 * The names of keys: `<prefix>:{<shard>}:<law>:<limiter>:<digest>`. Only the limiter's name is in clear text.
 * A prefix has no braces, names are percent-encoded and digests have a fixed length, so no two keys have one
 * name. All that a client's key is counted by has one hash tag, so that it can be charged at once in Redis
 * Cluster.
 */
export class Names {
  readonly #prefix: string
  readonly #shards: number
  readonly #isCluster: boolean
  readonly #digest: Digest
  /**
   * Recent keys: a flood of one key, or a lease of it, pays for one digest only. Each key has one place, so
   * that nothing is moved, and little lives long enough to be copied by the garbage collector.
   */
  readonly #kept: (RedisKey | null)[] = new Array(PLACES).fill(null)
  /** How often each space and policy was opened. */
  readonly #opened = new Map<string, number>()

  /** `isCluster`: whether keys with different hash tags may live on different nodes. */
  constructor(prefix: string, shards: number, isCluster: boolean, digest: Digest) {
    this.#prefix = prefix
    this.#shards = shards
    this.#isCluster = isCluster
    this.#digest = digest
  }

  /**
   * The stem of a policy of the limiter `space`; the second of the same name and law differs from the first.
   */
  stem(policy: CompiledPolicy, space: string): string {
    const own = policy.name === space ? '' : `/${encodeURIComponent(policy.name)}`
    const stem = `${nameOf(policy.law)}:${encodeURIComponent(space)}${own}`
    const times = (this.#opened.get(stem) ?? 0) + 1
    this.#opened.set(stem, times)
    return times === 1 ? stem : `${stem}#${times}`
  }

  /** What names begin with. */
  head(tag: number, stem: string): string {
    return `${this.#prefix}:{${tag}}:${stem}:`
  }

  keyOf(bucket: RedisBucket, key: string): RedisKey {
    const place = placeOf(bucket, key)
    const kept = this.#kept[place]
    if (kept !== null && kept.key === key && kept.bucket === bucket) return kept
    const digest = this.#digest(key)
    const tag = this.#shards === 1 ? 0 : tagOf(digest, this.#shards)
    const head = tag === 0 ? bucket.head : this.head(tag, bucket.stem)
    const redisKey = { bucket, key, name: head + digest, shard: this.#isCluster ? tag : 0 }
    if (key.length <= LONGEST_KEPT) this.#kept[place] = redisKey
    return redisKey
  }
}

/** The place of a key among the recent ones. Most keys differ in their ends. */
function placeOf({ id }: RedisBucket, key: string): number {
  let hash = id ^ key.length
  for (let i = key.length - 1; i >= 0 && i > key.length - 5; i--) hash = (hash * 31 + key.charCodeAt(i)) | 0
  return hash & (PLACES - 1)
}

function tagOf(digest: string, shards: number): number {
  return Buffer.from(digest.slice(0, 4), 'base64url').readUIntBE(0, 3) % shards
}

/**
 * A law in the names of its keys: what one law keeps would look damaged to another, which would heal it and
 * give units back. `b10-600` is a bucket of 10 units, one of which comes back each 600 ms; in `b9-1000/3`
 * three do each 1,000 ms. `w60000` is a window of a minute, of whatever rate: any rate counts the same
 * instants.
 */
function nameOf(law: TokenBucket | SlidingWindow): string {
  if ('window' in law) return `w${law.window / 1000}`
  const { burst, interval, resolution } = law
  return `b${burst}-${interval / 1000}${resolution === 1 ? '' : `/${resolution}`}`
}

/** A law as the script reads it. */
export function numbersOf(law: TokenBucket | SlidingWindow): readonly number[] {
  if ('window' in law) return [1, law.rate, law.window]
  // A rate of 0 has no interval; with any, no unit fits into its tolerance of 0.
  return [0, law.interval || 1, law.tolerance, law.resolution]
}
