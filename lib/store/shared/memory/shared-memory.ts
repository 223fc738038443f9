import { randomFillSync } from 'node:crypto'
import { ownOptions } from '../../../policy/index.js'
import { Cells } from './cells.js'
import { badMemory } from './errors.js'
import {
  HEADER,
  type Layout,
  layoutFor,
  layoutFrom,
  MAGIC,
  PART,
  PART_HEADER_WORDS,
  type SharedMemoryOptions,
  VERSION,
} from './layout.js'
import { type Liveness, livenessKind, livenessOf } from './liveness.js'

/** The memory that `createSharedMemory` returns. Hand it to other threads as it is. */
export type SharedMemory = SharedArrayBuffer

const NO_LIVENESS =
  'cannot be used here: neither /proc/thread-self nor the directory for temporary files says when a thread ends'

/**
 * Makes memory for one state in all threads of a process. Hand it to the threads by `workerData`,
 * `postMessage` or `setEnvironmentData`; each thread makes its own `sharedStore({ memory })` over it. The
 * size is fixed. The system gives memory to pages that are used, so unused keys cost nothing. Throws
 * `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION` for options that are not allowed, and
 * `FST_FLOODGATE_MEMORY` on a system that cannot tell when a thread has ended.
 *
 * @example
 * ```js
 * const memory = createSharedMemory({ maxKeys: 100_000 })
 * new Worker(file, { workerData: { memory } })
 * ```
 */
export function createSharedMemory(options: SharedMemoryOptions = {}): SharedMemory {
  return newMemory(layoutFor(ownOptions(options, ['maxKeys', 'maxUnits', 'maxThreads'], '')), livenessKind())
}

/** An empty memory of that layout, for that kind of liveness. */
export function newMemory(layout: Layout, kind: number): SharedMemory {
  if (kind === 0) throw badMemory(NO_LIVENESS)
  const memory = new SharedArrayBuffer(layout.words * 4)
  const words = new Int32Array(memory)
  words[HEADER.MAX_KEYS] = layout.maxKeys
  words[HEADER.MAX_THREADS] = layout.maxThreads
  words[HEADER.ORDER] = layout.order
  words[HEADER.LIVENESS] = kind
  words.set(randomFillSync(new Int32Array(2)), HEADER.SEED)
  // Each arena begins as one free segment.
  for (let part = 0; part < layout.parts; part++)
    words[layout.partHeaders + part * PART_HEADER_WORDS + PART.FREE + layout.order] = 1
  words[HEADER.VERSION] = VERSION
  Atomics.store(words, HEADER.MAGIC, MAGIC)
  return memory
}

/** A memory whose header has been checked. */
export interface Attached {
  readonly cells: Cells
  readonly layout: Layout
  readonly liveness: Liveness
}

/**
 * Checks the header of a memory; nothing else in it is checked, then or later. Throws `FST_FLOODGATE_MEMORY`
 * for anything but a memory of this version whose size is the one that its header says.
 */
export function attach(memory: unknown): Attached {
  if (!(memory instanceof SharedArrayBuffer))
    throw badMemory('is none: pass what createSharedMemory() returned')
  if (memory.byteLength % 8 !== 0 || memory.byteLength < HEADER.EPOCH * 4)
    throw badMemory(`has an odd size: ${memory.byteLength} bytes`)
  const cells = new Cells(memory)
  const { words } = cells
  if (words[HEADER.MAGIC] !== MAGIC) throw badMemory('was not made by createSharedMemory()')
  if (words[HEADER.VERSION] !== VERSION)
    throw badMemory(`has layout ${words[HEADER.VERSION]}; this version of fastify-floodgate reads ${VERSION}`)
  const layout = layoutFrom(words)
  if (layout === null || layout.words * 4 !== memory.byteLength)
    throw badMemory(`of ${memory.byteLength} bytes is not of the size that it says`)
  const liveness = livenessOf(words[HEADER.LIVENESS])
  if (liveness === null) throw badMemory(NO_LIVENESS)
  return { cells, layout, liveness }
}
