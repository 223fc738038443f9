import { invalidOption, invalidSecret, ownOptions } from '../../policy/index.js'
import { isClient, type RedisClient } from './clients/connect.js'
import type { OnStoreFailure } from './local/fallback.js'

export interface RedisStoreOptions {
  /**
   * Your client of ioredis, iovalkey or redis (node-redis, v5 or later), for one server, Sentinel or Cluster.
   * It stays yours: it is not closed, and not configured otherwise. Needs Redis 6.2 or later, or Valkey.
   */
  client: RedisClient
  /**
   * Begins the name of every key: 1 to 64 characters, letters, digits and `_ - . : /`. Default:
   * `'floodgate'`.
   */
  prefix?: string
  /**
   * Keys are named by their HMAC-SHA-256 under this secret instead of their SHA-256, so that nobody who reads
   * Redis can find out whose they are by trying. At least 16 bytes; text counts in UTF-8. The same in all
   * processes of a prefix; another secret means fresh keys. Default: none.
   */
  secret?: string | Buffer
  /** Longest wait for an answer, in ms: 1 to 60,000. Default: 100. */
  timeout?: number
  /**
   * What decides when the store does not answer: limits of this process (`'local'`, the default), nobody
   * (`'allow'`), or an error with status 503 (`'deny'`).
   */
  onStoreFailure?: OnStoreFailure
  /** Processes that share the limits: the local limits are divided by it. 1 to 10,000. Default: 1. */
  instances?: number
  /**
   * Most units of a hot key that this process takes at once, to spend them without asking: 1 to 10,000.
   * Default: 1, which is no lease. Token buckets only, in limiters of one policy.
   */
  lease?: number
  /**
   * Most keys that are remembered as denied, to be denied again without asking: 0 to 1,000,000. Default:
   * 10,000.
   */
  denyCache?: number
  /**
   * Hash tags over which keys are spread: 1 to 16,384. Default: 1, all keys on one node of a Cluster, where
   * every request is decided at once. With more, a request whose limiters count different keys is decided key
   * by key.
   */
  shards?: number
}

const MODES: readonly unknown[] = ['local', 'allow', 'deny']
const NUMBERS = {
  timeout: [100, 1, 60_000],
  instances: [1, 1, 10_000],
  lease: [1, 1, 10_000],
  denyCache: [10_000, 0, 1_000_000],
  shards: [1, 1, 16_384],
} as const
type NumberOption = keyof typeof NUMBERS

/** Bytes of a secret, at the least: as many guesses as an AES key. */
const SHORTEST_SECRET = 16

/** The options, with their defaults. */
export type RedisSettings = Required<Omit<RedisStoreOptions, 'secret'>> & {
  secret: string | Buffer | undefined
}

/**
 * Checks the options and fills in defaults. Throws `FST_FLOODGATE_OPTION` or `FST_FLOODGATE_UNKNOWN_OPTION`.
 */
export function readOptions(options: RedisStoreOptions): RedisSettings {
  if (isClient(options))
    throw invalidOption('options', options, 'redisStore({ client }), not the client itself')
  const known = ['client', 'prefix', 'onStoreFailure', ...Object.keys(NUMBERS), 'secret']
  const own = ownOptions(options, known, '')
  const { client, prefix = 'floodgate', onStoreFailure = 'local' } = own
  if (typeof prefix !== 'string' || !/^[\w\-.:/]{1,64}$/.test(prefix)) {
    throw invalidOption('prefix', prefix, '1 to 64 letters, digits and _ - . : /')
  }
  if (!MODES.includes(onStoreFailure)) {
    throw invalidOption('onStoreFailure', onStoreFailure, "'local', 'allow' or 'deny'", [
      'local',
      'allow',
      'deny',
    ])
  }
  const numbers = Object.fromEntries(
    Object.keys(NUMBERS).map((name) => [name, readNumber(name as NumberOption, own)]),
  ) as Record<NumberOption, number>
  return { client, prefix, secret: readSecret(own), onStoreFailure, ...numbers }
}

/**
 * A secret that is there and undefined comes from a setting that is not: without an error, keys would be open
 * to guessing.
 */
function readSecret(options: RedisStoreOptions): string | Buffer | undefined {
  if (!Object.hasOwn(options, 'secret')) return undefined
  const secret: unknown = options.secret
  const isSecret = typeof secret === 'string' || Buffer.isBuffer(secret)
  if (isSecret && Buffer.byteLength(secret) >= SHORTEST_SECRET) return secret
  const what = isSecret ? `a secret of ${Buffer.byteLength(secret)} bytes` : `of type ${typeof secret}`
  throw invalidSecret(
    'secret',
    what,
    `a string or Buffer of at least ${SHORTEST_SECRET} bytes, or no such option`,
  )
}

function readNumber(name: NumberOption, options: RedisStoreOptions): number {
  const [fallback, least, most] = NUMBERS[name]
  const value: unknown = options[name] === undefined ? fallback : options[name]
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw invalidOption(name, value, `an integer from ${least} to ${most}`)
}

/** The clocks of tests, in microseconds: the local time of the store, and the time that the script uses. */
export interface TestClocks {
  readonly local: () => number
  readonly server: () => number
}
