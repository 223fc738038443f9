import { randomBytes } from 'node:crypto'
import { openSync, readFileSync, readlinkSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * The name of a thread. Any other thread of the process can tell from it, at any time and without waiting,
 * that the thread has ended.
 */
export interface Liveness {
  /**
   * Positive. Its low bits say where to look; its high bits are part of what is to be found there. No two
   * living threads have the same name.
   */
  readonly name: number
  /** Whether the thread of that name has surely ended. False in doubt. */
  gone(name: number): boolean
}

/** Kinds of liveness, as a memory stores them. All threads of a memory use the same kind. */
export const LIVENESS_KINDS = { TASK: 1, DESCRIPTOR: 2 } as const

const known = new Map<number, Liveness | null>()

/**
 * This thread's liveness of that kind, made at the first call. Null if the system does not offer that kind.
 */
export function livenessOf(kind: number): Liveness | null {
  const before = known.get(kind)
  if (before !== undefined) return before
  const make = { [LIVENESS_KINDS.TASK]: taskLiveness, [LIVENESS_KINDS.DESCRIPTOR]: descriptorLiveness }[kind]
  const liveness = make === undefined ? null : attempt(make)
  known.set(kind, liveness)
  return liveness
}

/** The best kind that the system offers; 0 for none. */
export function livenessKind(offers = livenessOf): number {
  return [LIVENESS_KINDS.TASK, LIVENESS_KINDS.DESCRIPTOR].find((kind) => offers(kind) !== null) ?? 0
}

/**
 * Thread ids are below 2^22 on Linux. The high bits of a name are the low bits of the thread's start time.
 */
const TASK_BITS = 22

/** Linux: the kernel's own list of the threads of this process. */
export function taskLiveness(): Liveness {
  const task = Number(/\d+$/.exec(readlinkSync('/proc/thread-self'))?.[0])
  return {
    name: nameOf(task),
    gone(name) {
      try {
        return nameOf(name & (2 ** TASK_BITS - 1)) !== name
      } catch (error) {
        // ENOENT: there is no such thread. ESRCH: the thread ended during the read.
        return hasCode(error, ['ENOENT', 'ESRCH'])
      }
    },
  }
}

/** The start time of a thread is field 22 of its status (proc_pid_stat(5)), in clock ticks since boot. */
function nameOf(task: number): number {
  const status = readFileSync(`/proc/self/task/${task}/stat`, 'latin1')
  const start = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[19])
  return ((start & 0xff) << TASK_BITS) | task
}

/** Descriptors are below 2^18. The high bits of a name are random, and also written to the file. */
const DESCRIPTOR_BITS = 18

/**
 * Other systems: an unlinked file that the thread keeps open. Node closes the descriptors of a worker that
 * has ended.
 */
export function descriptorLiveness(): Liveness {
  const lot = randomBytes(2).readUInt16LE() & 0xfff
  const path = join(tmpdir(), `floodgate-${process.pid}-${randomBytes(8).toString('hex')}`)
  const descriptor = openSync(path, 'wx+', 0o600)
  const content = Buffer.alloc(4)
  const name = (lot << DESCRIPTOR_BITS) | (descriptor + 1)
  content.writeInt32LE(name)
  writeSync(descriptor, content, 0, 4, 0)
  unlinkSync(path)
  return {
    name,
    gone(name) {
      try {
        const descriptor = (name & (2 ** DESCRIPTOR_BITS - 1)) - 1
        return readSync(descriptor, content, 0, 4, 0) < 4 || content.readInt32LE() !== name
      } catch (error) {
        // EBADF: the descriptor is closed. The others: the number now belongs to something that is not a
        // file.
        return hasCode(error, ['EBADF', 'ESPIPE', 'EISDIR'])
      }
    },
  }
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code as string)
}

function attempt(make: () => Liveness): Liveness | null {
  try {
    return make()
  } catch {
    return null
  }
}
