import type { ChangeVerb } from '../../../types/index.js'
import type { Update } from '../config/changes.js'
import type { WholeOverride } from '../config/override-list.js'

/** A subject of the fleet's state, with what is in force for it. */
export type Subject =
  | { readonly limiter: string; readonly update: Update }
  | { readonly limiter: string; readonly key: string; readonly override: WholeOverride }
  | { readonly limiter: string; readonly key: string; readonly block: Block }

/** A block that was set by hand. */
export interface Block {
  /** In milliseconds since 1970, by the clock of the store. */
  readonly until: number
  /** The laws under which the key is blocked in the store. */
  readonly laws: string
}

/** What a process says of a change that it made. */
export interface Note {
  readonly verb: ChangeVerb
  readonly limiter: string
  readonly key: string | null
  readonly text: string
  readonly who: string | null
  readonly comment: string
  /** Of a block or a reset: the laws under which the store knows of it. */
  readonly laws?: string
  /**
   * In milliseconds. Of a block for which there is no room in the state: its length. Of a reset: how long
   * laws that are not in force may still have the key blocked.
   */
  readonly ms?: number
}

/** The name of a subject: an update has no key. */
export function subjectOf(limiter: string, key: string | null): string {
  return JSON.stringify([limiter, key])
}

/** The name of a subject that is a block. */
export function blockOf(limiter: string, key: string): string {
  return JSON.stringify([limiter, key, 'block'])
}

/** The name of any subject. */
export function nameOf(subject: Subject): string {
  if ('block' in subject) return blockOf(subject.limiter, subject.key)
  return subjectOf(subject.limiter, 'key' in subject ? subject.key : null)
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

export function writeBlock(limiter: string, key: string, block: Block): string {
  return JSON.stringify({ limiter, key, block })
}

/** Throws for what is no text of a subject. */
export function readSubject(text: string): Subject {
  const { limiter, key, update, override, block } = JSON.parse(text)
  if (block !== undefined) return { limiter, key, block }
  if (override === undefined) {
    const rules = Object.entries(update.rules).map(([rule, value]) => [rule, value ?? undefined])
    return { limiter, update: { policies: update.policies, rules: Object.fromEntries(rules) } }
  }
  return { limiter, key, override: { ...override, until: override.until ?? Number.POSITIVE_INFINITY } }
}
