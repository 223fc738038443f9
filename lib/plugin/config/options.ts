import type { LimitsSource, RateLimitOptions } from '../../../types/index.js'
import { checkPrefix } from '../../address/index.js'
import { FAMILIES } from '../../http/index.js'
import { checkStore } from '../../limiter/index.js'
import type { OffenderSettings } from '../../observe/index.js'
import { invalidOption, ownOptions, show } from '../../policy/index.js'
import { readEnv } from './env.js'
import { readOffenders } from './offenders.js'
import { type Defaults, ROUTE_OPTIONS } from './route-policy.js'

/** The name of the default limiter cannot be changed. */
const POLICY = ROUTE_OPTIONS.filter((option) => option !== 'name')
const OWN = [
  'keys',
  'limiters',
  'guard',
  'rateLimit',
  'notFound',
  'exempt',
  'allow',
  'env',
  'limits',
  'store',
  'headers',
  'exposeHeaders',
  'body',
  'warnings',
  'ipv6Prefix',
  'onDenied',
  'maxWaiting',
  'log',
  'offenders',
]
/** Options that Fastify itself reads from any plugin. */
const FASTIFY = ['prefix', 'logLevel', 'logSerializers']

const HEADER_FAMILIES: readonly string[] = Object.keys(FAMILIES)
const BODIES: readonly unknown[] = ['fastify', 'problem']

type Defaulted =
  | 'keys'
  | 'limiters'
  | 'exempt'
  | 'headers'
  | 'exposeHeaders'
  | 'body'
  | 'warnings'
  | 'ipv6Prefix'
  | 'maxWaiting'
  | 'log'

/** Options with their defaults, and with the values of the environment. */
export type Settings = RateLimitOptions &
  Required<Pick<RateLimitOptions, Defaulted>> & {
    /** The default limiter, as far as the options or the environment describe it, without `enforce`. */
    readonly defaults: Defaults
    /** The option `offenders`, with its defaults. Null where no key is remembered. */
    readonly remember: OffenderSettings | null
  }

/** Checks the options that belong to no limiter; throws a coded error that names the first wrong one. */
export function readOptions(given: RateLimitOptions, env: NodeJS.ProcessEnv): Settings {
  const options = ownOptions(given, [...POLICY, ...OWN], '', FASTIFY)
  const { keys = {}, limiters = {}, exempt = [], headers = ['x-ratelimit'], ipv6Prefix = 64 } = options
  const {
    exposeHeaders = false,
    body = 'fastify',
    warnings = true,
    maxWaiting = 1000,
    log = 'info',
  } = options
  checkObject('keys', keys)
  checkObject('limiters', limiters)
  if (options.guard !== undefined) checkObject('guard', options.guard)
  checkList(
    'headers',
    headers,
    (family) => HEADER_FAMILIES.includes(family),
    `a list of: ${HEADER_FAMILIES.join(', ')}`,
  )
  checkList(
    'exempt',
    exempt,
    isUrlPattern,
    "a list of URLs that begin with '/'; a '*' may only be their last character",
  )
  checkPrefix(ipv6Prefix)
  if (!Number.isSafeInteger(maxWaiting) || maxWaiting < 0)
    throw invalidOption('maxWaiting', maxWaiting, 'an integer of 0 or more')
  checkScalars(options)
  const fromEnv = options.env === undefined ? {} : readEnv(options.env, env)
  // Whether the default limiter is tried is nobody else's matter.
  const inherited = POLICY.filter((option) => option !== 'enforce')
  const own = Object.fromEntries(
    inherited.map((option) => [option, options[option as keyof RateLimitOptions]]),
  )
  const defaults: Defaults = { ...own, codePer: options.per, ...fromEnv }
  const withDefaults = {
    keys,
    limiters,
    exempt,
    headers,
    exposeHeaders,
    body,
    warnings,
    ipv6Prefix,
    maxWaiting,
    log,
  }
  const remember = readOffenders(options.offenders)
  return Object.assign(options, withDefaults, { defaults, remember })
}

function checkScalars({ env, body, exposeHeaders, limits, onDenied, store }: RateLimitOptions): void {
  if (env !== undefined && typeof env !== 'string')
    throw invalidOption('env', env, 'the prefix of two variables: a string')
  if (body !== undefined && typeof body !== 'function' && !BODIES.includes(body)) {
    throw invalidOption('body', body, `${BODIES.map(show).join(', ')} or a function`)
  }
  if (exposeHeaders !== undefined && typeof exposeHeaders !== 'boolean') {
    throw invalidOption('exposeHeaders', exposeHeaders, 'true or false')
  }
  if (onDenied !== undefined && typeof onDenied !== 'function')
    throw invalidOption('onDenied', onDenied, 'a function')
  if (limits !== undefined) checkSource(limits)
  if (store !== undefined) checkStore(store)
}

function checkSource(limits: LimitsSource): void {
  if (typeof limits?.start !== 'function' || typeof limits.stop !== 'function')
    throw invalidOption('limits', limits, "a source of limits, such as fileLimits('limits.json')")
}

function checkObject(option: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidOption(option, value, 'an object')
}

function checkList(option: string, value: unknown, isItem: (item: string) => boolean, allowed: string): void {
  if (!Array.isArray(value)) throw invalidOption(option, value, allowed)
  for (const item of value) {
    if (typeof item !== 'string' || !isItem(item)) throw invalidOption(option, item, allowed)
  }
}

function isUrlPattern(pattern: string): boolean {
  return pattern === '*' || /^\/[^*]*\*?$/.test(pattern)
}
