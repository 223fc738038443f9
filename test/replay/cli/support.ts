import { type Command, type Io, runCommand } from '../../../lib/command/index.js'
import { replayCommand } from '../../../lib/replay/index.js'
import { streamOf } from '../support.js'

/** What a run of the command line has printed, and its exit code. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Where a run takes place: what it reads, and whether its streams are terminals. */
export interface Place {
  readonly stdin?: string
  /** Default: `replay`. */
  readonly commands?: readonly Command[]
  readonly stdoutIsTTY?: boolean
  readonly stderrIsTTY?: boolean
  readonly env?: Io['env']
}

/** Runs the command line in this process. */
export async function run(args: readonly string[], place: Place = {}): Promise<Ran> {
  const printed = { stdout: '', stderr: '' }
  const output = (name: keyof typeof printed, isTTY = false) => ({
    isTTY,
    write(text: string) {
      printed[name] += text
    },
  })
  const code = await runCommand(place.commands ?? [replayCommand], args, {
    stdin: streamOf(place.stdin ?? ''),
    stdout: output('stdout', place.stdoutIsTTY),
    stderr: output('stderr', place.stderrIsTTY),
    env: place.env ?? {},
  })
  return { code, ...printed }
}
