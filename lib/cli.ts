#!/usr/bin/env node
import { exitWithoutOutput, runCommand } from './command/index.js'
import { limitsCommand } from './limits/cli/limits-command.js'
import { replayCommand } from './replay/index.js'

const { argv, stdin, stdout, stderr, env } = process
const commands = [replayCommand, limitsCommand]
stdout.on('error', exitWithoutOutput)
process.exitCode = await runCommand(commands, argv.slice(2), { stdin, stdout, stderr, env })
