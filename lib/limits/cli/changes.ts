import { visible } from '../../policy/index.js'
import { dateOf } from '../../store/index.js'
import type { DocumentOverride, LimitsDocument } from '../parsed-document.js'

/** Entries of a document by their headings, each with its values by path. */
type Entries = ReadonlyMap<string, ReadonlyMap<string, string>>

const NONE: ReadonlyMap<string, string> = new Map()

/**
 * What differs between two documents, as lines for people: a heading for each limiter and each override, and
 * below it what each option was and is. No lines: nothing.
 */
export function changesBetween(before: LimitsDocument, after: LimitsDocument): string[] {
  const [was, is] = [entriesOf(before), entriesOf(after)]
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((heading) => {
    const lines = linesOf(was.get(heading) ?? NONE, is.get(heading) ?? NONE)
    if (!was.has(heading)) return [`${heading} (new)`, ...lines]
    if (!is.has(heading)) return [`${heading} (gone)`, ...lines]
    return lines.length === 0 ? [] : [heading, ...lines]
  })
}

function linesOf(old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const paths = [...new Set([...old.keys(), ...now.keys()])]
  const say = (value: string | undefined) => value ?? 'not set'
  return paths
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => `  ${path}: ${say(old.get(path))} -> ${say(now.get(path))}`)
}

function entriesOf({ limiters, overrides }: LimitsDocument): Entries {
  return new Map([
    ...[...limiters].map(([name, change]) => [`limiter ${quote(name)}`, flat(change)] as const),
    ...overrides.map(
      (override) =>
        [
          `override of ${quote(override.limiter)} for ${quote(override.key)}`,
          flatOverride(override),
        ] as const,
    ),
  ])
}

function flatOverride({ policy, until, comment }: DocumentOverride): ReadonlyMap<string, string> {
  const options = policy === false ? { policy } : policy
  const end = until === Number.POSITIVE_INFINITY ? {} : { until: dateOf(until).toISOString() }
  return flat({ ...options, ...end, ...(comment !== '' && { comment }) })
}

/** The values of nested objects and lists by their paths: `rate`, `block.for`, `[1].rate`. */
function flat(value: unknown, path = '', into = new Map<string, string>()): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) return into.set(path, quote(value))
  for (const [name, part] of Object.entries(value)) {
    if (Array.isArray(value)) flat(part, `${path}[${name}]`, into)
    else flat(part, path === '' ? name : `${path}.${name}`, into)
  }
  return into
}

function quote(value: unknown): string {
  return visible(JSON.stringify(value))
}
