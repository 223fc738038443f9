import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Owner } from '../../../../fixtures/redis/server.js'
import { monotonicMs } from './monotonic.js'
import type { Job, Shift, Taken } from './taker.js'

/** The client of each process, and by how many ms its clocks are off. */
const PROCESSES = [
  { client: 'ioredis 6', shift: 0 },
  { client: 'iovalkey', shift: 3_600_000.25 },
  { client: 'node-redis 6', shift: -5_000 },
  { client: 'node-redis 5', shift: 123_456_789 },
]

/**
 * As many processes as there are, each with a client of its own and clocks that differ from those of the
 * others.
 */
export class Processes {
  readonly count = PROCESSES.length
  readonly #children: readonly ChildProcess[]

  constructor(owner: NonNullable<Owner>) {
    const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
    this.#children = PROCESSES.map(({ shift }) =>
      fork(here('taker.ts'), {
        execArgv: ['--import=tsx', `--import=${here('clock-shift.ts')}`],
        env: { ...process.env, FLOODGATE_CLOCK_SHIFT: String(shift) },
      }),
    )
    for (const child of this.#children) owner.teardown(() => child.kill('SIGKILL'))
  }

  /** Lets all of them do the job at once, for so many ms. */
  async run(job: Omit<Job, 'client'>, ms: number): Promise<Taken[]> {
    const clients = PROCESSES.map(({ client }) => client)
    await Promise.all(this.#children.map((child, i) => ask(child, { ...job, client: clients[i] })))
    const from = monotonicMs() + 100
    const answers = this.#children.map((child) => ask(child, { from, till: from + ms }))
    return (await Promise.all(answers)) as Taken[]
  }
}

async function ask(child: ChildProcess, message: Job | Shift): Promise<unknown> {
  const ended = new AbortController()
  child.once('exit', () => ended.abort(new Error('a process ended')))
  const answer = once(child, 'message', { signal: ended.signal })
  child.send(message)
  return (await answer)[0]
}
