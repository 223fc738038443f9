import { headOf, type RedisBucket } from './buckets.js'
import type { Digest } from './digest.js'

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

  /** `isCluster`: whether keys with different hash tags may live on different nodes. */
  constructor(prefix: string, shards: number, isCluster: boolean, digest: Digest) {
    this.#prefix = prefix
    this.#shards = shards
    this.#isCluster = isCluster
    this.#digest = digest
  }

  keyOf(bucket: RedisBucket, key: string): RedisKey {
    const place = placeOf(bucket, key)
    const kept = this.#kept[place]
    if (kept !== null && kept.key === key && kept.bucket === bucket) return kept
    const digest = this.#digest(key)
    const tag = this.#shards === 1 ? 0 : tagOf(digest, this.#shards)
    const head = tag === 0 ? bucket.head : headOf(this.#prefix, tag, bucket.stem)
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

/** The name of the key beside a key in which its offences are counted. No digest is so long. */
export function offencesOf({ name }: RedisKey): string {
  return `${name}:offences`
}
