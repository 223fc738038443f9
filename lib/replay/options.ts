import type { Period, PolicyOptions } from '../../types/index.js'
import { checkPrefix } from '../address/index.js'
import { checkCost, invalidOption, ownOptions, parsePeriod } from '../policy/index.js'
import type { LogFile } from './input/log-file.js'
import { FORMATS, type Format } from './readers/detect.js'
import type { FieldPaths } from './readers/json.js'
import type { Condition, SelectionOptions } from './readers/selection.js'

/**
 * What `replay` reads, and what it tries.
 *
 * @example
 * ```js
 * const options = { files: ['access.log', 'access.log.1.gz'], policies: [{ rate: 100, per: 'minute' }] }
 * ```
 */
export interface ReplayOptions {
  /** One file or several, in any order: their requests are put in the order of time. */
  files: LogFile | readonly LogFile[]
  /**
   * The policies to try. Each is tried by itself. A list in the list is one limiter of several policies,
   * which must all allow. Default: none, and the report has advice.
   */
  policies?: readonly (PolicyOptions | readonly PolicyOptions[])[]
  /** Whether the report has advice. Default: where there are no policies. */
  advice?: boolean
  /** Rates that the advice looks at. Default: 1, 2, 5, 10, 20 and so on up to 5,000 a minute. */
  rates?: readonly { rate: number; per: Period }[]
  /** The format of all files. Default: detected, for each file. */
  format?: Format
  /**
   * Who is counted: `'ip'` (default), `'global'`, or a field. Text formats have `user`, `agent`, `referer`,
   * `method`, `url`, `route` and `status`. JSON has any field, by its path: `'req.headers.x-api-key'`. A
   * request without a value counts by its IP, in a key space of its own, as with the plugin.
   */
  key?: string
  /** How much of an IPv6 address counts: 1 to 128. Default: 64. */
  ipv6Prefix?: number
  /** Only requests that fulfil all: `'route=/login'`, `'method!=GET'`, `'route=/api/*'`. */
  where?: string | readonly string[]
  /** Only requests with these statuses: `'2xx'`, `'401,403'`. In JSON also the path of the status. */
  status?: string | readonly string[]
  /** Units that a request costs: a number, or the field that has it. Default: 1, also where it is missing. */
  cost?: number | string
  /** JSON: the path of the time. */
  time?: string
  /** JSON: the path of the client's address. */
  ip?: string
  /** JSON: the path of the route. Default: the path of the URL. */
  route?: string
  /**
   * JSON: the path of the time that a request took, in ms, or in another unit: `'request_time:s'`. Its
   * arrival is then so long before the time of the line.
   */
  duration?: string
  /** How much a line may be older than one before it. 0 is none. Default: `'5 seconds'`. */
  skew?: Period | 0
  /** Whether keys that are no IP addresses are shown whole. Default: shortened, as in logs and consoles. */
  showKeys?: boolean
  /** Called while files are read. `total` is the size of all files, or null where a stream has none. */
  onProgress?: (progress: Progress) => void
}

/** How far the reading has come. Bytes are those of the files, compressed where they are. */
export interface Progress {
  readonly bytes: number
  readonly total: number | null
  readonly lines: number
}

/** Validated options. */
export interface Settings {
  readonly files: readonly LogFile[]
  readonly policies: readonly (readonly PolicyOptions[])[]
  readonly advice: boolean
  readonly rates: readonly { readonly rate: number; readonly per: Period }[]
  readonly format: Format | null
  readonly selection: SelectionOptions
  readonly paths: FieldPaths
  /** Microseconds. */
  readonly skew: number
  readonly showKeys: boolean
  readonly onProgress: (progress: Progress) => void
}

const OPTIONS = [
  'files',
  'policies',
  'advice',
  'rates',
  'format',
  'key',
  'ipv6Prefix',
  'where',
  'status',
  'cost',
  'time',
  'ip',
  'route',
  'duration',
  'skew',
  'showKeys',
  'onProgress',
] as const

/** Rates a minute, each about twice the one before. */
const LADDER = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
const DEFAULT_RATES = LADDER.map((rate) => ({ rate, per: 'minute' as const }))

/** Validates the options of `replay`. Throws `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION`. */
export function compileOptions(options: ReplayOptions): Settings {
  const own = ownOptions(options, OPTIONS, '')
  const { files, policies = [], rates = DEFAULT_RATES, format, key = 'ip' } = own
  const { advice = policies.length === 0, showKeys = false, onProgress = () => {} } = own
  const list = Array.isArray(files) ? files : [files]
  if (list.length === 0 || list.includes(undefined))
    throw invalidOption('files', files, 'a path, a stream of bytes, or a list of them')
  if (!Array.isArray(policies)) throw invalidOption('policies', policies, 'a list of policies')
  if (!Array.isArray(rates)) throw invalidOption('rates', rates, 'a list of rates')
  if (typeof onProgress !== 'function') throw invalidOption('onProgress', onProgress, 'a function')
  if (format !== undefined && !FORMATS.includes(format))
    throw invalidOption('format', format, FORMATS.join(', '), FORMATS)
  const { statuses, status } = compileStatus(own.status)
  return {
    files: list,
    policies: policies.map((policy) => (Array.isArray(policy) ? policy : [policy])),
    advice: checkBoolean(advice, 'advice'),
    rates: rates.map((rate, i) => ownOptions(rate, ['rate', 'per'], `rates[${i}].`)),
    format: format ?? null,
    selection: {
      key: checkText(key, 'key'),
      ipv6Prefix: checkPrefix(own.ipv6Prefix === undefined ? 64 : own.ipv6Prefix),
      where: listOf(own.where, 'where').map(compileCondition),
      statuses,
      cost:
        typeof own.cost === 'string'
          ? checkText(own.cost, 'cost')
          : checkCost(own.cost === undefined ? 1 : own.cost),
    },
    paths: {
      ...pathOf('time', own.time),
      ...pathOf('ip', own.ip),
      ...pathOf('route', own.route),
      ...pathOf('status', status),
      ...(own.duration !== undefined && { duration: compileDuration(own.duration) }),
    },
    skew: own.skew === 0 ? 0 : parsePeriod(own.skew === undefined ? 5000 : own.skew, 'skew'),
    showKeys: checkBoolean(showKeys, 'showKeys'),
    onProgress,
  }
}

function listOf(value: string | readonly string[] | undefined, option: string): readonly string[] {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  if (list.every((text) => typeof text === 'string')) return list
  throw invalidOption(option, value, 'a string, or a list of strings')
}

function checkBoolean(value: unknown, option: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalidOption(option, value, 'true or false')
}

function checkText(value: unknown, option: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalidOption(option, value, 'the name of a field')
}

function pathOf(option: string, path: string | undefined): Record<string, string> {
  return path === undefined ? {} : { [option]: checkText(path, option) }
}

function compileCondition(text: string): Condition {
  const match = /^\s*([^=!\s][^=!]*?)\s*(!?=)\s*(.*?)\s*$/s.exec(text)
  if (match === null)
    throw invalidOption('where', text, "a condition such as 'route=/login' or 'method!=GET'")
  const [, field, operator, pattern] = match
  const wanted = operator === '='
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  const shape = parts.length === 1 ? null : new RegExp(`^${parts.join('.*')}$`, 's')
  const matches = (value = '') => (shape === null ? value === pattern : shape.test(value)) === wanted
  return { field, matches }
}

const STATUSES = /^\s*[1-5](?:\d\d|xx)(?:\s*,\s*[1-5](?:\d\d|xx))*\s*$/i

/** What `status` filters, and the path that it names. */
function compileStatus(given: string | readonly string[] | undefined) {
  const list = listOf(given, 'status')
  const filters = list.filter((text) => STATUSES.test(text))
  const paths = list.filter((text) => !STATUSES.test(text))
  const typo = paths.find((text) => /^\s*\d/.test(text))
  if (typo !== undefined)
    throw invalidOption('status', typo, "statuses such as '2xx' or '401,403', or their path in JSON")
  if (paths.length > 1)
    throw invalidOption('status', paths[1], `one path, which is '${paths[0]}', and statuses such as '2xx'`)
  const all = new Set(filters.flatMap((text) => text.trim().split(/\s*,\s*/)).flatMap(statusesOf))
  return { statuses: filters.length === 0 ? null : all, status: paths[0] }
}

function statusesOf(text: string): number[] {
  if (!/x/i.test(text)) return [Number(text)]
  return Array.from({ length: 100 }, (_, i) => Number(text[0]) * 100 + i)
}

/** Microseconds of the units of a duration. */
const UNITS: Readonly<Record<string, number>> = { s: 1e6, ms: 1000, us: 1, ns: 0.001 }

function compileDuration(text: string): { path: string; unit: number } {
  const [, path, unit = 'ms'] = /^(.*?)(?::(\w+))?$/s.exec(text) as RegExpExecArray
  if (!Object.hasOwn(UNITS, unit))
    throw invalidOption('duration', text, "a path, or one with a unit: ':s', ':ms', ':us', ':ns'")
  return { path: checkText(path, 'duration'), unit: UNITS[unit] }
}
