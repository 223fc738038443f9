import { argumentError, parseOptions } from '../../command/index.js'
import { hint } from '../../policy/index.js'

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const

const ARGUMENTS = {
  redis: TEXT,
  key: TEXT,
  comment: TEXT,
  who: TEXT,
  expect: TEXT,
  force: FLAG,
  help: { ...FLAG, short: 'h' },
} as const

type Option = keyof typeof ARGUMENTS

/** What a verb takes: how many arguments, what they are, and which options. */
interface Verb {
  readonly least: number
  readonly most: number
  readonly takes: string
  readonly options: readonly Option[]
}

const KEY = ['redis', 'key'] as const
const CHANGE = [...KEY, 'comment', 'who', 'expect', 'force'] as const

const VERBS = {
  check: { least: 1, most: Number.POSITIVE_INFINITY, takes: 'the paths of files', options: [] },
  show: { least: 0, most: 1, takes: 'at most one version', options: KEY },
  diff: { least: 1, most: 1, takes: 'the path of one file', options: KEY },
  push: { least: 1, most: 1, takes: 'the path of one file', options: CHANGE },
  history: { least: 0, most: 0, takes: 'no arguments', options: KEY },
  rollback: { least: 0, most: 1, takes: 'at most one version', options: CHANGE },
} as const satisfies Record<string, Verb>

export type VerbName = keyof typeof VERBS
export type Values = ReturnType<typeof parseOptions<typeof ARGUMENTS>>['values']

/** The arguments of `fastify-floodgate limits`. Without a verb, help is wanted. */
export interface LimitsArguments {
  readonly verb: VerbName | null
  readonly files: readonly string[]
  readonly values: Values
}

/** Throws `FST_FLOODGATE_ARGUMENT`. */
export function parseArguments(args: readonly string[]): LimitsArguments {
  const { values, positionals } = parseOptions(args, ARGUMENTS)
  const [name, ...files] = positionals
  if (values.help) return { verb: null, files, values }
  if (name === undefined) throw argumentError(`one of ${Object.keys(VERBS).join(', ')} is missing`)
  if (!Object.hasOwn(VERBS, name)) throw argumentError(`unknown '${name}'${hint(name, Object.keys(VERBS))}`)
  const verb = name as VerbName
  const { least, most, takes, options }: Verb = VERBS[verb]
  if (files.length < least || files.length > most) throw argumentError(`${verb} takes ${takes}`)
  for (const option of Object.keys(values) as Option[])
    if (!options.includes(option)) throw argumentError(`${verb} has no option --${option}`)
  return { verb, files, values }
}

/** The address of Redis. Its password is in no message. Throws `FST_FLOODGATE_ARGUMENT`. */
export function addressOf(
  { redis }: Values,
  { REDIS_URL }: Readonly<Record<string, string | undefined>>,
): URL {
  const text = redis ?? REDIS_URL
  if (text === undefined || text === '')
    throw argumentError('which Redis? Say --redis redis://host:6379, or set REDIS_URL')
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
    throw argumentError('the address of Redis is none such as redis://user:password@host:6379, or rediss://')
  return url
}
