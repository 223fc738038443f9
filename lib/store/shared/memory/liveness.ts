import { randomBytes } from 'node:crypto'
import { openSync, readFileSync, readlinkSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How a thread is named, so that any other of its process can tell, at any time and without waiting, that it has ended. */
export interface Lifeline {
  /** Positive: where to look in the low bits, and above some of what is to be found there. No two living threads share one. */
  readonly name: number
  /** Whether the thread of that name, which is positive, has surely ended. When in doubt: no. */
  gone(name: number): boolean
}

/** Numbers of the ways to do it, as they stand in a memory: all of its threads use the same. */
export const LIFELINES = { TASK: 1, DESCRIPTOR: 2 } as const

const lifelines = new Map<number, Lifeline | null>()

/** The lifeline of this thread of that kind, made when it is first asked for; null where the system does not offer it. */
export function lifelineOf(kind: number): Lifeline | null {
  const known = lifelines.get(kind)
  if (known !== undefined) return known
  const make = { [LIFELINES.TASK]: taskLifeline, [LIFELINES.DESCRIPTOR]: descriptorLifeline }[kind]
  const lifeline = make === undefined ? null : attempt(make)
  lifelines.set(kind, lifeline)
  return lifeline
}

/** The best kind that the system offers; 0 for none. */
export function lifelineKind(offers = lifelineOf): number {
  return [LIFELINES.TASK, LIFELINES.DESCRIPTOR].find((kind) => offers(kind) !== null) ?? 0
}

/** Ids of threads are below 2^22 on Linux; the rest of a name is the end of the thread's start time. */
const TASK_BITS = 22

/** Linux: the kernel's own list of the threads of this process. */
export function taskLifeline(): Lifeline {
  const task = Number(/\d+$/.exec(readlinkSync('/proc/thread-self'))?.[0])
  return {
    name: nameOf(task),
    gone(name) {
      try {
        return nameOf(name & (2 ** TASK_BITS - 1)) !== name
      } catch (error) {
        // No such directory; or the thread ended while it was read.
        return hasCode(error, ['ENOENT', 'ESRCH'])
      }
    },
  }
}

/** The start of a thread is field 22 of its status (proc_pid_stat(5)), in clock ticks since boot. */
function nameOf(task: number): number {
  const status = readFileSync(`/proc/self/task/${task}/stat`, 'latin1')
  const start = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[19])
  return ((start & 0xff) << TASK_BITS) | task
}

/** Descriptors are below 2^18; the rest of a name is drawn by lot, and stands in the file. */
const DESCRIPTOR_BITS = 18

/** Anywhere else: a file without a name that the thread keeps open. Node closes the descriptors of a worker that has ended. */
export function descriptorLifeline(): Lifeline {
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
        // Closed, or by now something that cannot be read like a file.
        return hasCode(error, ['EBADF', 'ESPIPE', 'EISDIR'])
      }
    },
  }
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code as string)
}

function attempt(make: () => Lifeline): Lifeline | null {
  try {
    return make()
  } catch {
    return null
  }
}
