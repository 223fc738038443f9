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
  PAGE,
  PAGE_WORDS,
  type SharedMemoryOptions,
  VERSION,
} from './layout.js'
import { type Lifeline, lifelineKind, lifelineOf } from './liveness.js'

/** What `createSharedMemory` makes: to be handed to other threads as it is. */
export type SharedMemory = SharedArrayBuffer

const NO_LIFELINE =
  'cannot be used here: neither /proc/thread-self nor the directory for temporary files tells when a thread ends'

/**
 * Memory for one state in all threads of a process: hand it over by `workerData`, `postMessage` or `setEnvironmentData`, and
 * let each thread make its own `sharedStore({ memory })` of it. Its size is fixed; what is never touched is never paid for.
 * Throws `FST_FLOODGATE_OPTION` for options that are not allowed, and `FST_FLOODGATE_MEMORY` on a system that cannot
 * tell when a thread has ended.
 */
export function createSharedMemory(options: SharedMemoryOptions = {}): SharedMemory {
  return newMemory(layoutFor(ownOptions(options, ['maxKeys', 'maxUnits', 'maxThreads'], '')), lifelineKind())
}

/** A memory of that layout, empty, for that kind of lifeline. */
export function newMemory(layout: Layout, kind: number): SharedMemory {
  if (kind === 0) throw badMemory(NO_LIFELINE)
  const memory = new SharedArrayBuffer(layout.words * 4)
  const words = new Int32Array(memory)
  words[HEADER.MAX_KEYS] = layout.maxKeys
  words[HEADER.MAX_THREADS] = layout.maxThreads
  words[HEADER.ORDER] = layout.order
  words[HEADER.LIFELINE] = kind
  words.set(randomFillSync(new Int32Array(2)), HEADER.SEED)
  // Each arena begins as one free block.
  for (let part = 0; part < layout.parts; part++)
    words[layout.pages + part * PAGE_WORDS + PAGE.FREE + layout.order] = 1
  words[HEADER.VERSION] = VERSION
  Atomics.store(words, HEADER.MAGIC, MAGIC)
  return memory
}

/** A memory that has been looked at: how it is laid out, and how its threads know of each other's end. */
export interface Attached {
  readonly cells: Cells
  readonly layout: Layout
  readonly lifeline: Lifeline
}

/** Throws `FST_FLOODGATE_MEMORY` for what is no memory of this version and of the size that it says. */
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
  const lifeline = lifelineOf(words[HEADER.LIFELINE])
  if (lifeline === null) throw badMemory(NO_LIFELINE)
  return { cells, layout, lifeline }
}
