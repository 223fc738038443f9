import { hash } from 'node:crypto'
import type { Bucket, Policy } from '../../../types/index.js'
import type { CompiledPolicy, SlidingWindow, TokenBucket } from '../../policy/index.js'
import { Generations } from './generations.js'

/** A policy opened in a Redis store. */
export interface RedisBucket extends Bucket {
  readonly policy: CompiledPolicy
  /** Number of the bucket within the store. */
  readonly id: number
  /** The law as the script reads it. */
  readonly law: readonly number[]
  /** What the names of its keys have in common, between the hash tag and the digest. */
  readonly stem: string
  /** The bucket of the local laws that stand in for the store. */
  readonly local: Bucket
}

/** Most keys whose digest is remembered, and the longest of them. */
const MOST_DIGESTS = 10_000
const LONGEST_CACHED = 128

/** Characters of a digest in base64url: 132 bits of SHA-256. */
const DIGEST = 22

/**
 * The names of keys: `<prefix>:{<shard>}:<law>:<limiter>:<digest>`. Only the limiter's name is in clear text. A prefix has no braces,
 * names are percent-encoded and digests have a fixed length, so no two keys have one name. All that a client's key is counted
 * by has one hash tag, so that it can be charged at once in Redis Cluster.
 */
export class Names {
  readonly #prefix: string
  readonly #shards: number
  /** The digests of keys of late: a flood of one key, or a lease of it, shall not pay for them again. */
  readonly #digests = new Generations<string>(MOST_DIGESTS)
  /** How often each space and policy was opened. */
  readonly #opened = new Map<string, number>()

  constructor(prefix: string, shards: number) {
    this.#prefix = prefix
    this.#shards = shards
  }

  /** The stem of a policy of the limiter `space`; the second of the same name differs from the first. */
  stem(policy: Policy, space: string): string {
    const law = policy.algorithm === 'token-bucket' ? 'b' : 'w'
    const own = policy.name === space ? '' : `/${encodeURIComponent(policy.name)}`
    const stem = `${law}:${encodeURIComponent(space)}${own}`
    const times = (this.#opened.get(stem) ?? 0) + 1
    this.#opened.set(stem, times)
    return times === 1 ? stem : `${stem}#${times}`
  }

  /** The digest that stands for a client's key. */
  digest(key: string): string {
    if (key.length > LONGEST_CACHED) return digestOf(key)
    let digest = this.#digests.use(key)
    if (digest === undefined) {
      digest = digestOf(key)
      this.#digests.set(key, digest)
    }
    return digest
  }

  /** Number of the hash tag under which a key with that digest lives. */
  shard(digest: string): number {
    return this.#shards === 1
      ? 0
      : Buffer.from(digest.slice(0, 4), 'base64url').readUIntBE(0, 3) % this.#shards
  }

  name(bucket: RedisBucket, digest: string): string {
    return `${this.#prefix}:{${this.shard(digest)}}:${bucket.stem}:${digest}`
  }
}

/** Text that is not Unicode keeps what UTF-8 would lose, and is marked. */
export function digestOf(key: string): string {
  return key.isWellFormed()
    ? hash('sha256', key, 'base64url').slice(0, DIGEST)
    : `${hash('sha256', Buffer.from(key, 'utf16le'), 'base64url').slice(0, DIGEST)}~`
}

/** A law as the script reads it. */
export function numbersOf(law: TokenBucket | SlidingWindow): readonly number[] {
  if ('window' in law) return [1, law.rate, law.window]
  // A rate of 0 has no interval; with any, no unit fits into its tolerance of 0.
  return [0, law.interval || 1, law.tolerance, law.resolution]
}
