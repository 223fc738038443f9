#!/usr/bin/env node
import { limitsCommand } from './limits/cli/limits-command.js'
import { replayCommand, runCommand } from './replay/index.js'

const { argv, stdin, stdout, stderr, env } = process
const commands = [replayCommand, limitsCommand]
// A reader of the output that has seen enough, such as `head`, is no failure.
stdout.on('error', () => process.exit())
process.exitCode = await runCommand(commands, argv.slice(2), { stdin, stdout, stderr, env })
