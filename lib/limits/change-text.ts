import type { AnyPolicy, OverrideOptions, Period } from '../../types/index.js'

/** What an update or an override puts in force, as lists of changes and logs say it. */
export function policyText(policies: AnyPolicy | false | null, until?: OverrideOptions['until']): string {
  if (policies === null) return 'ended'
  const limit = policies === false ? 'no limit' : JSON.stringify(policies)
  if (until === undefined) return limit
  return `${limit} until ${typeof until === 'string' ? until : until.toISOString()}`
}

/** The same of a block. */
export function blockText(period: Period): string {
  return `blocked for ${typeof period === 'number' ? `${period} ms` : period}`
}

/** The same of a reset. */
export const RESET_TEXT = 'as new'
