import type { Clock } from '../../../types/index.js'
import { invalidOption } from '../../policy/index.js'
import { systemClock } from '../clock.js'

const DEFAULT_MAX_KEYS = 100_000
const LARGEST_MAX_KEYS = 100_000_000
const SMALLEST_MAX_UNITS = 64
const LARGEST_MAX_UNITS = 2 ** 31
/** The default of maxUnits: this many for each key, and at least 128 MiB. */
const UNITS_PER_KEY = 16
const LEAST_UNITS = 2 ** 24

export interface MemoryStoreOptions {
  /**
   * Most keys that the store holds at once, for all its limiters: 1 to 100,000,000. Default: 100,000. The
   * table takes 21.4 bytes for each, so 100,000 keys take 2.1 MB. A sliding window adds 32 bytes, and its
   * units.
   */
  maxKeys?: number
  /**
   * Most units that all sliding windows remember together, in slots of 8 bytes: 64 to 2,147,483,648. Default:
   * 16 for each key, at least 16,777,216 (128 MiB). A key takes 4 slots for up to 4 units, 8 for up to 8, and
   * so on.
   *
   * When all slots are in use, the store forgets windows as in a full table: expired ones first, then those
   * closest to unlimited, denied ones last. It spares windows of less than half the average size. The largest
   * `rate` of a window is two thirds of `maxUnits`, rounded down to a power of two.
   */
  maxUnits?: number
  /** The source of time. Default: the monotonic clock of this thread. */
  clock?: Clock
}

/** Checks options, and adds what they leave out. Throws `FST_FLOODGATE_OPTION`. */
export function readOptions({
  maxKeys = DEFAULT_MAX_KEYS,
  maxUnits,
  clock = systemClock,
}: MemoryStoreOptions): Required<MemoryStoreOptions> {
  checkSize('maxKeys', maxKeys, 1, LARGEST_MAX_KEYS)
  // Null is a wrong value, not an omission.
  const units = maxUnits === undefined ? Math.max(LEAST_UNITS, UNITS_PER_KEY * maxKeys) : maxUnits
  checkSize('maxUnits', units, SMALLEST_MAX_UNITS, LARGEST_MAX_UNITS)
  return { maxKeys, maxUnits: units, clock }
}

function checkSize(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalidOption(option, value, `an integer from ${least} to ${most}`)
}
