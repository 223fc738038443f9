import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { makeDirectory, removeDirectory } from '../../../../fixtures/redis/child.js'
import type { Owner } from '../../../../fixtures/redis/server.js'
import type { Part } from './actor.js'

/** The client of each process, by how many ms its clocks are off, and whether it remembers denials. */
const PROCESSES = [
  { client: 'ioredis 6', shift: 0, denyCache: 10_000 },
  { client: 'iovalkey', shift: 3_600_000.25, denyCache: 0 },
  { client: 'node-redis 6', shift: -5_000, denyCache: 10_000 },
  { client: 'node-redis 5', shift: 123_456_789, denyCache: 0 },
]

/** Four processes that ask for one key, and may be stopped and killed at any time. */
export class Actors {
  readonly #children: readonly ChildProcess[]
  readonly #directory = makeDirectory()

  constructor(owner: NonNullable<Owner>) {
    const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
    this.#children = PROCESSES.map(({ shift }) =>
      fork(here('actor.ts'), {
        execArgv: ['--import=tsx', `--import=${here('clock-shift.ts')}`],
        env: { ...process.env, FLOODGATE_CLOCK_SHIFT: String(shift) },
      }),
    )
    owner.teardown(() => {
      for (const child of this.#children) child.kill('SIGKILL')
      removeDirectory(this.#directory)
    })
  }

  get count(): number {
    return PROCESSES.length
  }

  /** Lets all of them begin at once. Two of them remember denials, unless `denyCache` is given. */
  async play(part: Omit<Part, 'client' | 'denyCache' | 'log'> & { denyCache?: number }): Promise<void> {
    const ready = this.#children.map((child, i) => {
      const { client, denyCache } = PROCESSES[i]
      child.send({ client, denyCache, ...part, log: this.#log(i) })
      return once(child, 'message')
    })
    await Promise.all(ready)
    for (const child of this.#children) child.send('play')
  }

  /** Stops a process for so many ms, without ending it. */
  async pause(nth: number, ms: number): Promise<void> {
    this.#children[nth].kill('SIGSTOP')
    await sleep(ms)
    this.#children[nth].kill('SIGCONT')
  }

  /** Ends processes at once, with all that they have in progress. */
  async kill(...those: number[]): Promise<void> {
    for (const nth of those) this.#children[nth].kill('SIGKILL')
    await Promise.all(those.map((nth) => ended(this.#children[nth])))
  }

  /** Lets the processes that live end in order. */
  async stop(): Promise<void> {
    for (const child of this.#children) if (child.connected) child.send('stop')
    await Promise.all(this.#children.map(ended))
  }

  /** What a process was told, line by line. */
  told<Line>(nth: number): Line[] {
    const file = this.#log(nth)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    // A process that was killed may have been writing the last one.
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Line)
  }

  #log(nth: number): string {
    return join(this.#directory, `${nth}.log`)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
