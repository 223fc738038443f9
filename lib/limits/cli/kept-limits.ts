import { argumentError } from '../../command/index.js'
import { dateOf } from '../../store/index.js'
import { parseLimits } from '../document.js'
import { badLimits, inDocument } from '../errors.js'
import { versionOf } from '../live.js'
import type { Ask } from './ask.js'

/** Most versions that a history remembers. */
const MOST_VERSIONS = 20

/** Comments on what this command did not write. */
const FOREIGN = 'not by this command'
const NOTHING = 'the limits of the code'

/**
 * Leaves the texts of the history in Redis: 20 of 10 MB each would take too long to read. '0' as the first
 * argument of a script: nobody waits for the reply any more.
 */
const READ = `
if ARGV[1] == '0' then return false end
local document = redis.call('GET', KEYS[1])
local entries = redis.call('LRANGE', KEYS[2], 0, -1)
for i, entry in ipairs(entries) do
  -- No string of JSON holds this: its quotes would be escaped.
  local at = string.find(entry, ',"document":', 1, true)
  if at then entries[i] = string.sub(entry, 1, at - 1) .. '}' end
end
return { document and redis.sha1hex(document) or '', document, entries }
`

/** Returns one entry of the history, whole. */
const READ_ENTRY = `
if ARGV[1] == '0' then return false end
for _, entry in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  if string.find(entry, '"version":"' .. ARGV[2] .. '"', 1, true) then return { entry } end
end
return {}
`

/**
 * Compares and sets. The history is written first: what can fail does so before anything is in force. The
 * clock of the server writes the times, as those of operators differ.
 */
const WRITE = `
if ARGV[1] == '0' then return false end
local document = redis.call('GET', KEYS[1])
if (document and redis.sha1hex(document) or '') ~= ARGV[2] then return { 0 } end
local time = redis.call('TIME')
local when = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if ARGV[5] ~= '' then redis.call('LPUSH', KEYS[2], ARGV[5]) end
redis.call('LPUSH', KEYS[2], '{"when":' .. when .. ',' .. string.sub(ARGV[4], 2))
redis.call('LTRIM', KEYS[2], 0, ${MOST_VERSIONS - 1})
redis.call('SET', KEYS[1], ARGV[3])
return { 1 }
`

/** One document of the past, or the one in force. */
export interface Version {
  readonly version: string
  /** ISO 8601, by the clock of the server. Null: it was not put there by this command. */
  readonly when: string | null
  readonly who: string | null
  readonly comment: string
}

/** What a key held when it was read. */
export interface Kept {
  /** Without a key, the limits of the code are in force, as with the document `{}`. */
  readonly isThere: boolean
  readonly digest: string
  readonly current: Version
  /** The text of the current one. */
  readonly document: string
  /** Newest first. It begins with the current one, unless something else wrote that. */
  readonly history: readonly Version[]
}

/** A document of limits in Redis, and beside it, in the same hash slot, its history. */
export class KeptLimits {
  readonly place: string
  readonly #ask: Ask
  readonly #keys: readonly string[]

  constructor(ask: Ask, key: string) {
    this.#ask = ask
    this.#keys = [key, historyKeyOf(key)]
    this.place = `the Redis key ${key}`
  }

  /** Rejects with `FST_FLOODGATE_LIMITS`. */
  async read(): Promise<Kept> {
    const [digest, document, entries] = await this.#run('cannot be read', READ, [])
    const history = (entries as unknown[]).map((entry) => this.#entryOf(String(entry)))
    const isThere = document !== null
    const text = isThere ? String(document) : '{}'
    const version = versionOf(text)
    const current =
      history[0]?.version === version
        ? history[0]
        : { version, when: null, who: null, comment: isThere ? FOREIGN : NOTHING }
    return { isThere, digest: String(digest), current, document: text, history }
  }

  /** The document of a version that `read` has found. Rejects with `FST_FLOODGATE_LIMITS`. */
  async documentOf({ current, document }: Kept, { version }: Version): Promise<string> {
    if (version === current.version) return document
    const [entry] = await this.#run('cannot be read', READ_ENTRY, [version])
    if (entry === undefined) throw badLimits(`version ${version} has just left the history`)
    return String(JSON.parse(String(entry)).document)
  }

  /**
   * Puts a document in force and into the history, where the key still holds what was read. Resolves to
   * whether it did. Rejects with `FST_FLOODGATE_LIMITS`.
   */
  async write(kept: Kept, document: string, who: string, comment: string): Promise<boolean> {
    const entry = { version: versionOf(document), who, comment, document }
    // The scripts need the document last. What something else wrote can be rolled back to as well.
    const foreign =
      kept.history[0] === kept.current ? '' : JSON.stringify({ ...kept.current, document: kept.document })
    const args = [kept.digest, document, JSON.stringify(entry), foreign]
    const [written] = await this.#run("may not be written ('limits show' says it)", WRITE, args)
    return Number(written) === 1
  }

  async #run(failure: string, script: string, args: readonly string[]): Promise<unknown[]> {
    try {
      return await this.#ask(script, this.#keys, args)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw code === 'FST_FLOODGATE_LIMITS' ? error : badLimits(`${this.place} ${failure}: ${message}`)
    }
  }

  #entryOf(text: string): Version {
    try {
      const { version, when, who, comment } = JSON.parse(text)
      const instant = when === null ? null : dateOf(when).toISOString()
      return { version, when: instant, who, comment: String(comment) }
    } catch {
      throw badLimits(`the Redis key ${this.#keys[1]} holds no history of limits`)
    }
  }
}

/** Throws an error that names the place and the path in the document. */
export function checkDocument(text: string, place: string) {
  try {
    return parseLimits(text)
  } catch (error) {
    throw inDocument(error as Error, place)
  }
}

/**
 * The key of the history: in the slot of the document, also in Redis Cluster. Throws
 * `FST_FLOODGATE_ARGUMENT`.
 */
function historyKeyOf(key: string): string {
  if (/^[^{]*\{[^}]+\}/.test(key)) return `${key}:history`
  if (key === '' || key.includes('}')) throw argumentError('--key is the name of a key, and has no } alone')
  return `{${key}}:history`
}
