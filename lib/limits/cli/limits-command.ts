import type { Command, Io } from '../../command/index.js'
import { versionOf } from '../live.js'
import { readBytes, textOf } from '../read-file.js'
import { addressOf, parseArguments } from './arguments.js'
import { RedisAsker } from './ask.js'
import { push, rollback } from './change-commands.js'
import { LIBRARIES, type Library } from './clients.js'
import { HELP } from './help.js'
import { checkDocument, KeptLimits } from './kept-limits.js'
import { diff, history, show } from './look-commands.js'

/** Verbs that need Redis. */
const VERBS = { show, diff, push, history, rollback }

/** The command `fastify-floodgate limits`, with the libraries that may be a client of Redis. */
export function limitsCommandWith(libraries: readonly Library[]): Command {
  return {
    name: 'limits',
    summary: 'checks, shows, changes and undoes the limits of a running fleet',
    run: async (args: readonly string[], io: Io): Promise<number> => {
      const { verb, files, values } = parseArguments(args)
      if (verb === null) {
        io.stdout.write(HELP)
        return 0
      }
      if (verb === 'check') return check(files, io)
      const asker = new RedisAsker(addressOf(values, io.env), libraries)
      try {
        return await VERBS[verb](new KeptLimits(asker.ask, values.key ?? 'limits'), files, values, io)
      } finally {
        asker.close()
      }
    },
  }
}

export const limitsCommand = limitsCommandWith(LIBRARIES)

async function check(files: readonly string[], { stdout, stderr }: Io): Promise<number> {
  let failed = 0
  for (const path of files) {
    try {
      const text = textOf(await readBytes(path), path)
      const { limiters, overrides } = checkDocument(text, path)
      const counts = `limiters: ${limiters.size}, overrides: ${overrides.length}`
      stdout.write(`${path}: sound; ${counts}, version ${versionOf(text)}\n`)
    } catch (error) {
      failed++
      stderr.write(`${(error as Error).message}\n`)
    }
  }
  return failed === 0 ? 0 : 1
}
