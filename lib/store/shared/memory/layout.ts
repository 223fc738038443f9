import { invalidOption } from '../../../policy/index.js'

/**
 * Where everything lies in a shared memory, in words of 4 bytes:
 *
 *     header        what the rest depends on: version, sizes, seed, kind of liveness, start of time
 *     owners        one record a thread: its name, and how much of its journal counts
 *     part headers  one for each part: its lock, its counters, its lists of free segments
 *     journals      one a thread: the old values of what the thread has written and not yet committed
 *     tables        for each part its table of keys, and its arena of rings
 *
 * The digest of a key says which part the key belongs to. Only the owner of a part's lock writes to the
 * part's header, table and arena; the lock itself is the exception.
 */
export interface Layout {
  readonly maxKeys: number
  readonly maxThreads: number
  /** The arena of a part has 2^order doubles. */
  readonly order: number
  /** A power of two. */
  readonly parts: number
  /** Slots of the table of each part. */
  readonly slots: number
  readonly owners: number
  readonly partHeaders: number
  readonly journals: number
  readonly journalWords: number
  readonly tables: number
  readonly tableWords: number
  readonly partWords: number
  /** Words of the whole memory. */
  readonly words: number
}

export const MAGIC = 0x464c4454
export const VERSION = 4

/** Words of the header. `EPOCH` is a double. */
export const HEADER = {
  MAGIC: 0,
  VERSION: 1,
  MAX_KEYS: 2,
  MAX_THREADS: 3,
  ORDER: 4,
  LIVENESS: 5,
  SEED: 6,
  STARTED: 8,
  EPOCH: 10,
} as const

/** Words of an owner's record. Each record has cache lines of its own. */
export const OWNER = { NAME: 0, GENERATION: 1, RECOVERER: 2, JOURNALED: 3, BROKEN: 4 } as const

/** Words of a part's header. `FORGOTTEN` is a double; `FREE` is followed by one word for each order. */
export const PART = { LOCK: 0, KEYS: 1, HAND: 2, FORGOTTEN: 4, FREE: 6 } as const

export const SLOT_WORDS = 5
export const OWNER_WORDS = 32
export const PART_HEADER_WORDS = 64
/**
 * Orders of the smallest and the largest segment: 64 bytes, and what holds the 1,000,000 units of the largest
 * window.
 */
export const SMALLEST_ORDER = 3
export const LARGEST_ORDER = 20
/** Doubles of a segment that are its header. */
export const SEGMENT_HEADER = 2

const HEADER_WORDS = 32
/** Tables and arenas begin at multiples of this many words. */
const ALIGNMENT = 16
/** A table is at most five sixths full: 24 bytes a key. */
const SHARE = 5 / 6
/**
 * A part has room for this many keys at least, because a full part forgets keys although another may have
 * room.
 */
const PART_KEYS = 2048
const MOST_PARTS = 256
/**
 * Words of a journal beside the largest ring: the largest charge or the longest run of moved slots takes
 * fewer.
 */
const JOURNAL_WORDS = 16_384
const LARGEST_KEYS = 100_000_000
const LARGEST_UNITS = 2 ** 28
const LARGEST_THREADS = 1023
const UNITS_PER_KEY = 16
const UNITS_PER_PART = 65_536
const DEFAULT_UNITS = 2 ** 26
const LARGEST_WORDS = 2 ** 31 - 1

export interface SharedMemoryOptions {
  /**
   * Most keys held at once, over all limiters: 1 to 100,000,000. Default: 100,000. Each takes 24 bytes once
   * it is used.
   */
  maxKeys?: number
  /**
   * Most units that all sliding windows remember together, in slots of 8 bytes: 64 to 268,435,456. A key
   * takes 8 slots for up to 6 units, 16 for 14, 32 for 30 and so on. When all slots are in use, the store
   * forgets window keys as it does in a full table: expired keys first, then those closest to unlimited.
   * Default: 16 for each key, and at least 65,536 for each part. The keys are divided among parts: one part
   * for each 2,048 keys, rounded down to a power of two, at most 256. The `rate` of one window can be half
   * the slots of a part less 2: 32,766 by default.
   */
  maxUnits?: number
  /** Most threads that use the memory at the same time: 1 to 1,023. Default: 64. */
  maxThreads?: number
}

/** The layout for options from a user. Throws `FST_FLOODGATE_OPTION` for a value out of range. */
export function layoutFor({ maxKeys = 100_000, maxUnits, maxThreads = 64 }: SharedMemoryOptions): Layout {
  within('maxKeys', maxKeys, 1, LARGEST_KEYS)
  within('maxThreads', maxThreads, 1, LARGEST_THREADS)
  const parts = partsOf(maxKeys)
  const fallback = Math.max(UNITS_PER_PART * parts, Math.min(UNITS_PER_KEY * maxKeys, DEFAULT_UNITS))
  // Null is a wrong value, not an omission.
  const units = maxUnits === undefined ? fallback : maxUnits
  within('maxUnits', units, 64, LARGEST_UNITS)
  const order = Math.max(SMALLEST_ORDER + 1, Math.ceil(Math.log2(units / parts)))
  const layout = layoutOf(maxKeys, maxThreads, order)
  if (layout.words > LARGEST_WORDS) throw invalidOption('maxUnits', units, 'less: all must fit in 8 GiB')
  return layout
}

/** The layout that belongs to a header, or null if the header has numbers out of range. */
export function layoutFrom(words: Int32Array): Layout | null {
  const [maxKeys, maxThreads, order] = [
    words[HEADER.MAX_KEYS],
    words[HEADER.MAX_THREADS],
    words[HEADER.ORDER],
  ]
  const sound =
    isWithin(maxKeys, 1, LARGEST_KEYS) &&
    isWithin(maxThreads, 1, LARGEST_THREADS) &&
    isWithin(order, SMALLEST_ORDER + 1, Math.log2(LARGEST_UNITS))
  return sound ? layoutOf(maxKeys, maxThreads, order) : null
}

/** How many keys a part may hold. All parts together may hold `maxKeys`. */
export function keysOf({ maxKeys, parts }: Layout, part: number): number {
  return Math.floor(maxKeys / parts) + (part < maxKeys % parts ? 1 : 0)
}

function layoutOf(maxKeys: number, maxThreads: number, order: number): Layout {
  const parts = partsOf(maxKeys)
  const slots = Math.ceil(Math.ceil(maxKeys / parts) / SHARE) + 1
  const owners = HEADER_WORDS
  const partHeaders = owners + maxThreads * OWNER_WORDS
  const journals = partHeaders + parts * PART_HEADER_WORDS
  const journalWords = 2 ** Math.min(order, LARGEST_ORDER + 1) + JOURNAL_WORDS
  const tables = journals + maxThreads * journalWords
  const tableWords = Math.ceil((slots * SLOT_WORDS) / ALIGNMENT) * ALIGNMENT
  const partWords = tableWords + 2 ** (order + 1)
  const words = tables + parts * partWords
  return {
    ...{ maxKeys, maxThreads, order, parts, slots, owners, partHeaders, journals, journalWords },
    ...{ tables, tableWords, partWords, words },
  }
}

function partsOf(maxKeys: number): number {
  return Math.min(MOST_PARTS, 2 ** Math.max(0, Math.floor(Math.log2(maxKeys / PART_KEYS))))
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function within(option: string, value: number, least: number, most: number): void {
  if (!isWithin(value, least, most)) throw invalidOption(option, value, `an integer from ${least} to ${most}`)
}
