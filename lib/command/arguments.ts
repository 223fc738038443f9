import { type ParseArgsConfig, parseArgs } from 'node:util'
import { hint } from '../policy/index.js'
import { argumentError } from './errors.js'

type Options = NonNullable<ParseArgsConfig['options']>
interface Config<O extends Options> {
  args: string[]
  options: O
  allowPositionals: true
}

/** The options among arguments, and the others. Throws `FST_FLOODGATE_ARGUMENT`. */
export function parseOptions<const O extends Options>(
  args: readonly string[],
  options: O,
): ReturnType<typeof parseArgs<Config<O>>> {
  try {
    return parseArgs<Config<O>>({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    const { message } = error as Error
    const unknown = /^Unknown option '(-+)(.+?)'/.exec(message)
    if (unknown === null) throw argumentError(message)
    const [, dashes, name] = unknown
    throw argumentError(`unknown option ${dashes}${name}${hint(name, Object.keys(options))}`)
  }
}
