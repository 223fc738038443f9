#!/usr/bin/env node
import { limitsCommand } from './limits/cli/limits-command.js'
import { MISUSE, replayCommand, runCommand } from './replay/index.js'

const { argv, stdin, stdout, stderr, env } = process
const commands = [replayCommand, limitsCommand]
stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  // A reader of the output that has seen enough, such as `head`, is no failure.
  if (code === 'EPIPE') process.exit()
  stderr.write(`fastify-floodgate: ${message}\n`, () => process.exit(MISUSE))
})
process.exitCode = await runCommand(commands, argv.slice(2), { stdin, stdout, stderr, env })
