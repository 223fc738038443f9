import { hash } from 'node:crypto'
import type { LimitsSource } from '../../types/index.js'
import { invalidOption, ownOptions } from '../policy/index.js'
import { after } from '../store/index.js'
import { askRedis, type Connection, connect, type RedisClient } from '../store/redis/index.js'
import { LONGEST_DOCUMENT } from './document.js'
import { badLimits, inUse } from './errors.js'
import type { Apply } from './live.js'
import { Watch } from './watch.js'

/** Milliseconds between two readings, and until Redis must have answered. */
const PAUSE = 1000
const TIMEOUT = 1000

/**
 * Returns the digest of the document, and the document where its digest is not the one that is known. '0' as
 * the first argument: nobody waits for the reply any more.
 */
const READ = `
if ARGV[1] == '0' then return false end
if redis.call('STRLEN', KEYS[1]) > ${LONGEST_DOCUMENT} then
  return redis.error_reply('LIMITS at most ${LONGEST_DOCUMENT} bytes are allowed')
end
local document = redis.call('GET', KEYS[1])
if not document then return {} end
local digest = redis.sha1hex(document)
if digest == ARGV[2] then return { digest } end
return { digest, document }
`

export interface RedisLimitsOptions {
  /** A client of ioredis, iovalkey or node-redis (v5 and later). It may be that of the store. */
  client: RedisClient
  /** The name of the string that holds the document. */
  key: string
}

/** A document in Redis that is read again and again. */
export class RedisLimits implements LimitsSource {
  readonly #connection: Connection
  readonly #key: string
  readonly #later: typeof after
  #stop: (() => void) | null = null

  constructor({ client, key }: RedisLimitsOptions, later = after) {
    this.#connection = connect(client)
    this.#key = key
    this.#later = later
  }

  async start(apply: Apply, report: (error: Error) => void): Promise<void> {
    if (this.#stop !== null) throw inUse('redisLimits()')
    const watch = new Watch(PAUSE, this.#later)
    // An error that nobody listens to would end the process.
    const stopWatching = this.#connection.watch(() => {})
    this.#stop = () => {
      watch.stop()
      stopWatching()
    }
    const document = new RedisDocument(this.#connection, this.#key)
    const deliver = (text: string | null) => {
      if (text !== null && !watch.isStopped) apply(document.checked(text), document.place)
    }
    // Redis may be away at first, but a document that is there must be allowed.
    const first = await document.read().catch((error: Error) => {
      report(error)
      return null
    })
    try {
      deliver(first)
    } catch (error) {
      this.stop()
      throw error
    }
    const look = async () => deliver(await document.read())
    watch.start(look, (error) => {
      document.forget()
      report(error)
    })
  }

  stop(): void {
    this.#stop?.()
    this.#stop = null
  }
}

/** The document of a key, as it is known. */
class RedisDocument {
  /** As errors name it. */
  readonly place: string
  readonly #connection: Connection
  readonly #key: string
  /** The digest of the last document; '' before the first, and after a failure. */
  #digest = ''
  /** Whether there was a document. */
  #isThere = false

  constructor(connection: Connection, key: string) {
    this.place = `the Redis key ${key}`
    this.#connection = connection
    this.#key = key
  }

  /** What is there counts as new. */
  forget(): void {
    this.#digest = ''
  }

  /** The text that `read` returned. Bytes that are not UTF-8 have become other characters: another digest. */
  checked(text: string): string {
    if (hash('sha1', text) === this.#digest) return text
    throw badLimits(`${this.place} cannot be read: it is not UTF-8`)
  }

  /** The document, or null where it is the one that is known, or there has never been one. */
  async read(): Promise<string | null> {
    const reply = await this.#ask()
    if (reply.length === 0) {
      if (this.#isThere) throw badLimits(`${this.place} is gone`)
      return null
    }
    this.#isThere = true
    const [digest, document] = reply.map(String)
    this.#digest = digest
    return document ?? null
  }

  async #ask(): Promise<unknown[]> {
    try {
      return await askRedis(this.#connection, READ, [this.#key], [this.#digest], TIMEOUT)
    } catch (error) {
      const reason = (error as Error).message.replace(/^LIMITS /, '')
      throw badLimits(`${this.place} cannot be read: ${reason}`)
    }
  }
}

/**
 * Limits from a string in Redis or Valkey, which all processes share and read every second. Where Redis does
 * not answer at start, the limits of the code are in force, an error is logged, and the document is taken up
 * when Redis answers. A document that is not allowed keeps the limits in force; at start the app does not
 * start. Throws `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION`.
 *
 * @example
 * ```js
 * await app.register(rateLimit, { limits: redisLimits({ client, key: 'limits' }) })
 * // redis-cli -x SET limits < limits.json
 * ```
 */
export function redisLimits(options: RedisLimitsOptions): LimitsSource {
  const { client, key } = ownOptions(options, ['client', 'key'], '')
  if (typeof key !== 'string' || key === '') throw invalidOption('key', key, 'the name of a key in Redis')
  return new RedisLimits({ client, key })
}
