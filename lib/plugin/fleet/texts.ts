import type { ChangeVerb } from '../../../types/index.js'
import type { Update } from '../config/changes.js'
import type { WholeOverride } from '../config/override-list.js'

/** A subject of the fleet's state, with what is in force for it. */
export type Subject =
  | { readonly limiter: string; readonly update: Update }
  | { readonly limiter: string; readonly key: string; readonly override: WholeOverride }

/** What a process says of a change that it made. */
export interface Note {
  readonly verb: ChangeVerb
  readonly limiter: string
  readonly key: string | null
  readonly text: string
  readonly who: string | null
  readonly comment: string
  /** Of a block: its length in milliseconds. */
  readonly ms?: number
}

/** The name of a subject: an update has no key. */
export function subjectOf(limiter: string, key: string | null): string {
  return JSON.stringify([limiter, key])
}

/**
 * What an update puts in force, as JSON. A rule that it sets to nothing is null. Functions cannot travel:
 * where an update has one, other processes go by that of their code.
 */
export function writeUpdate(limiter: string, { policies, rules }: Update): string {
  const all = Object.entries(rules).map(([rule, value]) => [rule, value === undefined ? null : value])
  return JSON.stringify({ limiter, update: { policies, rules: Object.fromEntries(all) } })
}

export function writeOverride(limiter: string, key: string, override: WholeOverride): string {
  // JSON has no infinity: null is never.
  return JSON.stringify({ limiter, key, override })
}

/** Throws for what is no text of a subject. */
export function readSubject(text: string): Subject {
  const { limiter, key, update, override } = JSON.parse(text)
  if (override === undefined) {
    const rules = Object.entries(update.rules).map(([rule, value]) => [rule, value ?? undefined])
    return { limiter, update: { policies: update.policies, rules: Object.fromEntries(rules) } }
  }
  return { limiter, key, override: { ...override, until: override.until ?? Number.POSITIVE_INFINITY } }
}
