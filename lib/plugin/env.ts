import { badEnv } from './errors.js'

/** What the environment says over the code: nothing where a variable is not set. */
export interface EnvOverrides {
  rate?: number
  per?: 'minute'
  burst?: number
}

/** Reads `<prefix>RATE_LIMIT_PER_MIN` and `<prefix>BURST`; throws `FST_FLOODGATE_ENV` unless they are positive integers. */
export function readEnv(prefix: string, env: NodeJS.ProcessEnv): EnvOverrides {
  const rate = positiveInteger(`${prefix}RATE_LIMIT_PER_MIN`, env)
  const burst = positiveInteger(`${prefix}BURST`, env)
  return { ...(rate !== undefined && { rate, per: 'minute' }), ...(burst !== undefined && { burst }) }
}

function positiveInteger(variable: string, env: NodeJS.ProcessEnv): number | undefined {
  const value = env[variable]
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,15}$/.test(value)) throw badEnv(variable, value)
  return Number(value)
}
