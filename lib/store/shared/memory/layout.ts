import { invalidOption } from '../../../policy/index.js'

/**
 * Where everything lies in a shared memory, in words of 4 bytes:
 *
 *     header      what is below depends on it: version, sizes, seed, lifeline, start of time
 *     owners      a record for each thread: who it is, and what it is in the middle of
 *     laws        the directory of policies: which numbers a tag stands for
 *     parts       a page for each part: its lock, its counters, its last instant, its lists of free blocks; and one page
 *                 more, whose lock guards header and directory
 *     journals    one for each thread: what to put back if it dies
 *     tables      for each part its table of keys, and its arena of rings
 *
 * The keys are divided among the parts by their digest. Nobody but the owner of a part's lock writes in its page, table and arena,
 * with two exceptions: the lock and the latches themselves, and, while nobody has the lock, the state of a token bucket, which the
 * owner of its line's latch writes.
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
  readonly laws: number
  readonly pages: number
  readonly journals: number
  readonly journalWords: number
  readonly tables: number
  readonly tableWords: number
  readonly partWords: number
  /** Words of all of it. */
  readonly words: number
}

export const MAGIC = 0x464c4454
export const VERSION = 2

/** Words of the header. `EPOCH` is a double. */
export const HEADER = {
  MAGIC: 0,
  VERSION: 1,
  MAX_KEYS: 2,
  MAX_THREADS: 3,
  ORDER: 4,
  LIFELINE: 5,
  SEED: 6,
  LAWS: 8,
  STARTED: 9,
  EPOCH: 10,
} as const

/** Words of an owner's record, which has cache lines of its own. */
export const OWNER = { NAME: 0, GENERATION: 1, RESCUER: 2, JOURNALED: 3, BROKEN: 4, LATCH: 5 } as const

/** Words of a part's page: its lock comes first. `LAST` and `FORGOTTEN` are doubles; `FREE` is followed by one word for each order. */
export const PAGE = { LOCK: 0, KEYS: 1, HAND: 2, LAST: 4, FORGOTTEN: 6, FREE: 8 } as const

export const SLOT_WORDS = 5
/** A line of a table is a cache line: its latch, and three slots. */
export const LINE_WORDS = 16
export const LINE_SLOTS = 3
export const OWNER_WORDS = 32
export const PAGE_WORDS = 64
export const LAW_DOUBLES = 4
/** Most policies that differ in their numbers. */
export const TAGS = 1024
/** Orders of the smallest and the largest block: 64 bytes, and what holds the 1,000,000 units of the largest window. */
export const SMALLEST_ORDER = 3
export const LARGEST_ORDER = 20
/** Doubles of a block that are its header. */
export const BLOCK_HEADER = 2

const HEADER_WORDS = 32
/**
 * Where tables begin, in words beyond a multiple of a line. Where glibc gives memory of more than 128 KiB to V8, that begins 16 bytes
 * beyond a page: so each line lies in one cache line. Elsewhere it may lie in two, which costs time and nothing else.
 */
const LINE_START = 12
/** Five sixths full at most: 26 bytes a key. */
const SHARE = 5 / 6
/** A part has room for this many keys at least: one that is full forgets keys although another may have room. */
const PART_KEYS = 2048
const MOST_PARTS = 256
/** Of a journal, beside the largest ring: what the largest charge or the longest run of slots takes. */
const JOURNAL_WORDS = 16_384
const LARGEST_KEYS = 100_000_000
const LARGEST_UNITS = 2 ** 28
const LARGEST_THREADS = 1023
const UNITS_PER_KEY = 16
const UNITS_PER_PART = 65_536
const DEFAULT_UNITS = 2 ** 26
const LARGEST_WORDS = 2 ** 31 - 1

export interface SharedMemoryOptions {
  /** Most keys held at once, over all limiters: 1 to 100,000,000. Default: 100,000. Each takes 26 bytes once it is used. */
  maxKeys?: number
  /**
   * Most units that all sliding windows remember together, in slots of 8 bytes: 64 to 268,435,456. A key takes 8 of them for 6
   * units, 16 for 14, 32 for 30 and so on. Where they are all in use, window keys are forgotten like in a full table: expired
   * ones, then those closest to unlimited. Default: 16 for each key, at least 65,536 for each of the parts that the
   * keys are divided into (one for each 2,048 keys, rounded down to a power of two, at most 256). One window can
   * have a `rate` of half of what a part has, less 2: 32,766 by default.
   */
  maxUnits?: number
  /** Most threads that use it at the same time: 1 to 1,023. Default: 64. */
  maxThreads?: number
}

/** The layout for options that have been given, which are checked. */
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

/** The layout that belongs to a header; null for numbers that no header has. */
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

/** Keys that part number `part` may hold: together as many as the whole. */
export function keysOf({ maxKeys, parts }: Layout, part: number): number {
  return Math.floor(maxKeys / parts) + (part < maxKeys % parts ? 1 : 0)
}

function layoutOf(maxKeys: number, maxThreads: number, order: number): Layout {
  const parts = partsOf(maxKeys)
  const slots = roundUp(Math.ceil(Math.ceil(maxKeys / parts) / SHARE) + 1, LINE_SLOTS)
  const owners = HEADER_WORDS
  const laws = owners + maxThreads * OWNER_WORDS
  const pages = laws + TAGS * LAW_DOUBLES * 2
  const journals = pages + (parts + 1) * PAGE_WORDS
  const journalWords = 2 ** Math.min(order, LARGEST_ORDER + 1) + JOURNAL_WORDS
  const tables = roundUp(journals + maxThreads * journalWords, LINE_WORDS) + LINE_START
  const tableWords = (slots / LINE_SLOTS) * LINE_WORDS
  const partWords = tableWords + 2 ** (order + 1)
  const words = tables + parts * partWords
  return {
    ...{ maxKeys, maxThreads, order, parts, slots, owners, laws, pages, journals, journalWords },
    ...{ tables, tableWords, partWords, words },
  }
}

/** Is that the word of a latch? */
export function isLatch({ tables, parts, partWords, tableWords }: Layout, at: number): boolean {
  const inPart = (at - tables) % partWords
  return at >= tables && at < tables + parts * partWords && inPart < tableWords && inPart % LINE_WORDS === 0
}

function roundUp(words: number, size: number): number {
  return Math.ceil(words / size) * size
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
