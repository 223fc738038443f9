/** A stream that a command writes to. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/** What a command has of the world outside. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A command of the CLI: `fastify-floodgate <name> [arguments]`. */
export interface Command {
  readonly name: string
  /** What it does, in a line. */
  readonly summary: string
  /** Runs it and resolves to its exit code. Rejects with a coded error for arguments that are not allowed. */
  run(args: readonly string[], io: Io): Promise<number>
}

/** The exit code of wrong arguments, of logs that cannot be read, and of output that cannot be written. */
export const MISUSE = 2

/** Runs the command that the first argument names. Resolves to its exit code. */
export async function runCommand(
  commands: readonly Command[],
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [name, ...rest] = args
  const command = commands.find((command) => command.name === name)
  if (command === undefined) return explain(commands, name, io)
  try {
    return await command.run(rest, io)
  } catch (error) {
    const { code = '', message, stack } = error as Error & { code?: string }
    // Only our own errors are written for people. Any other is a mistake of ours, which needs its place.
    io.stderr.write(
      code.startsWith('FST_FLOODGATE_') ? `fastify-floodgate ${name}: ${message}\n` : `${stack}\n`,
    )
    return MISUSE
  }
}

/**
 * Ends the program, because its output cannot be written. A reader of it that has seen enough, such as
 * `head`, is no failure.
 */
export function exitWithoutOutput({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') process.exit()
  process.stderr.write(`fastify-floodgate: ${message}\n`, () => process.exit(MISUSE))
}

function explain(commands: readonly Command[], name: string | undefined, io: Io): number {
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}\n`).join('')
  const usage = `Usage: fastify-floodgate <command> [arguments]\n\n${list}\nfastify-floodgate <command> --help says more.\n`
  const isHelp = name === '--help' || name === '-h' || name === 'help'
  const problem = isHelp || name === undefined ? '' : `fastify-floodgate: no command is called '${name}'\n\n`
  const output = isHelp ? io.stdout : io.stderr
  output.write(problem + usage)
  return isHelp ? 0 : MISUSE
}
