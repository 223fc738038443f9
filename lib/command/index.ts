export { parseOptions } from './arguments.js'
export { type Command, exitWithoutOutput, type Io, runCommand } from './command.js'
export { argumentError } from './errors.js'
