import type { Ring } from '../../policy/index.js'
import { newRing } from '../ring.js'

/** Slots of the smallest ring. Each further size class has twice as many. */
const SMALLEST = 4
/** A segment is a header (start, count, oldest, newest) and its slots. */
const HEADER = 4
/** The segments of a class share chunks of about this many numbers. */
const CHUNK = 8192
const CLASS_BITS = 5
const CLASSES = 2 ** CLASS_BITS

/** Some segments of one size: their memory, and the numbers of the free segments. */
interface Chunk {
  readonly slots: Float64Array
  readonly free: number[]
}

class SizeClass {
  readonly capacity: number
  readonly #size: number
  readonly #perChunk: number
  readonly #shift: number
  /** Null where a chunk was freed. The next chunk uses its index again. */
  readonly #chunks: (Chunk | null)[] = []
  readonly #vacant: number[] = []
  /** Chunks that have free segments, each once, and some that were freed since. */
  readonly #roomy: number[] = []
  /**
   * The number of chunks without a used segment. One is kept, so that a key that comes and goes allocates
   * none.
   */
  #idle = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.#size = capacity + HEADER
    this.#shift = Math.max(0, Math.floor(Math.log2(CHUNK / this.#size)))
    // A power of two, so that shifts find a segment.
    this.#perChunk = 1 << this.#shift
  }

  take(): number {
    while (this.#roomy.length > 0) {
      const index = this.#roomy[this.#roomy.length - 1]
      const free = this.#chunks[index]?.free ?? []
      if (free.length === this.#perChunk) this.#idle--
      const segment = free.pop()
      if (free.length === 0) this.#roomy.pop()
      if (segment !== undefined) return index * this.#perChunk + segment
    }
    const slots = new Float64Array(this.#perChunk * this.#size)
    const free = Array.from({ length: this.#perChunk - 1 }, (_, i) => i + 1)
    const index = this.#vacant.pop() ?? this.#chunks.length
    this.#chunks[index] = { slots, free }
    if (free.length > 0) this.#roomy.push(index)
    return index * this.#perChunk
  }

  /** Frees a segment, and its chunk if no segment of it is used and another chunk is idle already. */
  give(segment: number): void {
    const index = segment >>> this.#shift
    const { free } = this.#chunks[index] as Chunk
    free.push(segment & (this.#perChunk - 1))
    if (free.length === 1) this.#roomy.push(index)
    if (free.length < this.#perChunk) return
    if (this.#idle === 0 && this.#perChunk > 1) {
      this.#idle++
      return
    }
    this.#chunks[index] = null
    this.#vacant.push(index)
  }

  chunkOf(segment: number): Float64Array {
    return (this.#chunks[segment >>> this.#shift] as Chunk).slots
  }

  /** The index in the chunk at which a segment's header begins. */
  baseOf(segment: number): number {
    return (segment & (this.#perChunk - 1)) * this.#size
  }
}

/**
 * The rings of all keys of sliding windows, in segments whose sizes double. There is no object per key. A key
 * takes 8 bytes for each unit, rounded up to the next size, plus 32. Example: 5 units take a ring of 8, which
 * is 96 bytes.
 *
 * An integer names a ring: its `ref`. The header also holds the oldest and the newest instant, so that a
 * denial reads memory at one place only.
 */
export class RingArena {
  readonly #classes: SizeClass[] = []
  /** Rings in use, and their slots. */
  rings = 0
  slots = 0

  /** A new ring, empty, of `units` slots or more. */
  open(units: number): number {
    const index = classFor(units)
    this.#classes[index] ??= new SizeClass(SMALLEST * 2 ** index)
    this.rings++
    this.slots += capacityFor(units)
    const ref = this.#classes[index].take() * CLASSES + index
    const ring = newRing()
    this.load(ref, ring)
    this.save(ref, ring, 0, 0)
    return ref
  }

  close(ref: number): void {
    this.rings--
    this.slots -= capacityOf(ref)
    this.#classes[classOf(ref)].give(segmentOf(ref))
  }

  /** Points `ring` at the ring named `ref`. */
  load(ref: number, ring: Ring): void {
    const sizeClass = this.#classes[classOf(ref)]
    const segment = segmentOf(ref)
    const header = sizeClass.baseOf(segment)
    ring.slots = sizeClass.chunkOf(segment)
    ring.base = header + HEADER
    ring.capacity = sizeClass.capacity
    ring.start = ring.slots[header]
    ring.count = ring.slots[header + 1]
  }

  /** Writes the ring's start and count into its header. */
  save(ref: number, ring: Ring, start = ring.start, count = ring.count): void {
    const header = this.#classes[classOf(ref)].baseOf(segmentOf(ref))
    const last = start + count - 1
    ring.slots[header] = start
    ring.slots[header + 1] = count
    // In an empty ring both values mean nothing.
    ring.slots[header + 2] = ring.slots[ring.base + start]
    ring.slots[header + 3] = ring.slots[ring.base + (last < ring.capacity ? last : last - ring.capacity)]
  }

  /**
   * Moves a ring to a segment of `units` slots or more, larger or smaller. Loads it, and returns its new ref.
   */
  move(ref: number, ring: Ring, units: number): number {
    const larger = this.open(units)
    const target = newRing()
    this.load(larger, target)
    for (let i = 0; i < ring.count; i++) {
      target.slots[target.base + i] = ring.slots[ring.base + ((ring.start + i) % ring.capacity)]
    }
    this.save(larger, target, 0, ring.count)
    this.close(ref)
    this.load(larger, ring)
    return larger
  }
}

/** The oldest instant of a saved ring that is not empty. */
export function oldestOf({ slots, base }: Ring): number {
  return slots[base - 2]
}

/** The newest instant of a saved ring that is not empty. */
export function newestOf({ slots, base }: Ring): number {
  return slots[base - 1]
}

/** Slots of the ring that `open` makes for `units`. */
export function capacityFor(units: number): number {
  return SMALLEST * 2 ** classFor(units)
}

/** Slots of the ring named `ref`. */
export function capacityOf(ref: number): number {
  return SMALLEST * 2 ** classOf(ref)
}

function classFor(units: number): number {
  return Math.max(0, Math.ceil(Math.log2(units / SMALLEST)))
}

/** Refs are below 2^32: class in the low bits, segment above. */
function classOf(ref: number): number {
  return ref & (CLASSES - 1)
}

function segmentOf(ref: number): number {
  return (ref | 0) >>> CLASS_BITS
}
