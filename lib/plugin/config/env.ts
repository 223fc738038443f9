import { FASTEST, LARGEST } from '../../policy/index.js'
import { badEnv } from '../errors.js'

/** The options that the environment sets. An option is missing where its variable is not set. */
export interface EnvOptions {
  rate?: number
  per?: 'minute'
  burst?: number
}

/**
 * Reads `<prefix>RATE_LIMIT_PER_MIN` and `<prefix>BURST`; throws `FST_FLOODGATE_ENV` unless they are positive
 * integers that a policy can hold.
 */
export function readEnv(prefix: string, env: NodeJS.ProcessEnv): EnvOptions {
  const rate = positiveInteger(`${prefix}RATE_LIMIT_PER_MIN`, 60 * FASTEST, env)
  const burst = positiveInteger(`${prefix}BURST`, LARGEST, env)
  return { ...(rate !== undefined && { rate, per: 'minute' }), ...(burst !== undefined && { burst }) }
}

function positiveInteger(variable: string, most: number, env: NodeJS.ProcessEnv): number | undefined {
  const value = Object.hasOwn(env, variable) ? env[variable] : undefined
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,15}$/.test(value) || Number(value) > most) throw badEnv(variable, value, most)
  return Number(value)
}
