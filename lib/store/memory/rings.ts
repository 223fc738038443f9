import type { Ring } from '../../policy/index.js'
import { newRing } from '../ring.js'

/** Slots of the smallest ring; each further size class doubles it. */
const SMALLEST = 4
/** A block is a header (start, count, oldest, newest) and its slots; blocks of a class share chunks of about this many numbers. */
const HEADER = 4
const CHUNK = 8192
const CLASS_BITS = 5
const CLASSES = 2 ** CLASS_BITS

/** Some blocks of one size: its memory, and which of its blocks are free. */
interface Chunk {
  readonly slots: Float64Array
  readonly free: number[]
}

class SizeClass {
  readonly capacity: number
  readonly #size: number
  readonly #perChunk: number
  readonly #shift: number
  /** Null where a chunk has been given up; its blocks' numbers are used again by the next. */
  readonly #chunks: (Chunk | null)[] = []
  readonly #vacant: number[] = []
  /** Chunks that have free blocks, each once, and some that have been given up since. */
  readonly #roomy: number[] = []
  /** Chunks of which no block is in use: one is kept, or a key at the border of a chunk would allocate one each time. */
  #idle = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.#size = capacity + HEADER
    this.#shift = Math.max(0, Math.floor(Math.log2(CHUNK / this.#size)))
    // A power of two: a block is found by shifts.
    this.#perChunk = 1 << this.#shift
  }

  take(): number {
    while (this.#roomy.length > 0) {
      const index = this.#roomy[this.#roomy.length - 1]
      const free = this.#chunks[index]?.free ?? []
      if (free.length === this.#perChunk) this.#idle--
      const block = free.pop()
      if (free.length === 0) this.#roomy.pop()
      if (block !== undefined) return index * this.#perChunk + block
    }
    const slots = new Float64Array(this.#perChunk * this.#size)
    const free = Array.from({ length: this.#perChunk - 1 }, (_, i) => i + 1)
    const index = this.#vacant.pop() ?? this.#chunks.length
    this.#chunks[index] = { slots, free }
    if (free.length > 0) this.#roomy.push(index)
    return index * this.#perChunk
  }

  /** Gives a block back, and its chunk to the system if that is idle then and not the only one that is. */
  give(block: number): void {
    const index = block >>> this.#shift
    const { free } = this.#chunks[index] as Chunk
    free.push(block & (this.#perChunk - 1))
    if (free.length === 1) this.#roomy.push(index)
    if (free.length < this.#perChunk) return
    if (this.#idle === 0 && this.#perChunk > 1) {
      this.#idle++
      return
    }
    this.#chunks[index] = null
    this.#vacant.push(index)
  }

  chunkOf(block: number): Float64Array {
    return (this.#chunks[block >>> this.#shift] as Chunk).slots
  }

  /** Where a block's header begins in its chunk. */
  baseOf(block: number): number {
    return (block & (this.#perChunk - 1)) * this.#size
  }
}

/**
 * The rings of all sliding-window keys, in blocks of doubling size: no object per key, and a key takes 8 bytes for each
 * unit it has used, rounded up to the next size, plus 32. A ring is named by an integer, its `ref`. Its oldest and its newest
 * instant stand in its header as well, so that a key that is being denied costs one look into memory.
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
    this.#classes[classOf(ref)].give(blockOf(ref))
  }

  /** Points `ring` at the ring named `ref`. */
  load(ref: number, ring: Ring): void {
    const sizeClass = this.#classes[classOf(ref)]
    const block = blockOf(ref)
    const header = sizeClass.baseOf(block)
    ring.slots = sizeClass.chunkOf(block)
    ring.base = header + HEADER
    ring.capacity = sizeClass.capacity
    ring.start = ring.slots[header]
    ring.count = ring.slots[header + 1]
  }

  /** Writes the ring's own start and count back, or those given. */
  save(ref: number, ring: Ring, start = ring.start, count = ring.count): void {
    const header = this.#classes[classOf(ref)].baseOf(blockOf(ref))
    const last = start + count - 1
    ring.slots[header] = start
    ring.slots[header + 1] = count
    // Of an empty ring both are anything.
    ring.slots[header + 2] = ring.slots[ring.base + start]
    ring.slots[header + 3] = ring.slots[ring.base + (last < ring.capacity ? last : last - ring.capacity)]
  }

  /** Moves a ring into one of `units` slots or more, larger or smaller; returns the new ref, at which `ring` then points. */
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

/** The oldest instant of a ring that is not empty, as it was saved. */
export function oldestOf({ slots, base }: Ring): number {
  return slots[base - 2]
}

/** As `oldestOf`, the newest. */
export function newestOf({ slots, base }: Ring): number {
  return slots[base - 1]
}

/** Slots of the ring that `open` makes for so many units. */
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

/** Refs are below 2^32: class in the low bits, block above. */
function classOf(ref: number): number {
  return ref & (CLASSES - 1)
}

function blockOf(ref: number): number {
  return (ref | 0) >>> CLASS_BITS
}
