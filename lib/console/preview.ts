import type { ConsolePreview } from '../../types/console.js'
import type { AnyPolicy, Offender, Policy, RateLimitRegistry } from '../../types/index.js'
import { keyId } from '../observe/index.js'
import { type Cost, meaningFor } from './meaning.js'
import { warningsOf } from './preview-warnings.js'
import { clip, fullText } from './words.js'

/** Most offenders of whom it is said what a change would mean for them. */
const MOST = 10

/** What an update would do, from what is known now. Changes nothing. Throws as `update()` does. */
export function previewOf(
  rateLimit: RateLimitRegistry,
  limiter: string,
  policies: AnyPolicy | null,
): ConsolePreview {
  const after = rateLimit.preview(limiter, policies)
  const before = rateLimit.get(limiter).policies
  const stats = rateLimit.stats()
  const changed = JSON.stringify(before) !== JSON.stringify(after)
  const change = { before, after, stats: stats.limiters[limiter], hasDocuments: stats.limits !== null }
  return {
    limiter,
    before: before.map(fullText),
    after: after.map(fullText),
    changed,
    offenders: changed ? meanings(rateLimit, limiter, before, after) : [],
    warnings: changed ? warningsOf(change) : [],
  }
}

function meanings(
  rateLimit: RateLimitRegistry,
  limiter: string,
  before: readonly Policy[],
  after: readonly Policy[],
): ConsolePreview['offenders'] {
  const overridden = new Set(
    rateLimit
      .overrides()
      .filter((override) => override.limiter === limiter)
      .map(({ key }) => keyId(limiter, key)),
  )
  const cost = costOf(rateLimit.optionsOf(limiter))
  return offendersOf(rateLimit, limiter).map((offender) => ({
    key: clip(offender.key),
    denied: offender.denied + offender.blocked + offender.shadowDenied,
    text: overridden.has(offender.id)
      ? 'It has an override, which stays.'
      : meaningFor(offender, before, after, cost),
  }))
}

function offendersOf(rateLimit: RateLimitRegistry, limiter: string): Offender[] {
  try {
    return rateLimit.offenders({ limiter, most: MOST })
  } catch {
    // Without the option no key is remembered.
    return []
  }
}

/** Units that a request costs. Null where a function says it, of which the options are silent. */
function costOf(options: AnyPolicy): Cost {
  const [{ cost }] = [options].flat()
  return typeof cost === 'number' ? cost : null
}
