import type { FastifyInstance } from 'fastify'
import type { LogSettings } from '../../observe/index.js'
import { invalidOption } from '../../policy/index.js'
import { systemClock } from '../../store/index.js'

/** Levels of all loggers that Fastify accepts. */
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

type Write = (facts: object, message: string) => void

/**
 * How denials are logged at the level of the option `log`; null for `false`. Throws `FST_FLOODGATE_OPTION`
 * for a level that the app's logger does not have.
 */
export function denialLog(level: string | false, { log }: FastifyInstance): LogSettings | null {
  if (level === false) return null
  const own = (log as { levels?: { values?: object } }).levels?.values ?? {}
  const levels = [...new Set([...LEVELS, ...Object.keys(own)])]
  if (!levels.includes(level))
    throw invalidOption('log', level, `false, ${levels.map((level) => `'${level}'`).join(', ')}`, levels)
  const logger = log as unknown as Record<string, Write>
  return {
    write(limiter, denials, seconds) {
      if (seconds === null) logger[level]({ limiter, denials }, 'rate limiter denies requests')
      else logger[level]({ limiter, denials, seconds }, 'rate limiter denied requests')
    },
    now: () => systemClock.now(),
  }
}
