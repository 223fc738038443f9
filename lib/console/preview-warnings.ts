import type { LimiterStats, Policy, PolicyStats } from '../../types/index.js'
import { lawNumbers } from '../policy/index.js'
import { percent } from './words.js'

/** Less than this share of decisions near the limit is no reason to warn. */
const FEW = 0.01
/** Of smaller limits a fifth is less than one. */
const SMALL = 5

interface Change {
  readonly before: readonly Policy[]
  readonly after: readonly Policy[]
  /** What became of decisions by the policies before. */
  readonly stats: LimiterStats
  /** Whether documents of a source may change the limiter, too. */
  readonly hasDocuments: boolean
}

/** What an operator should know before a change. */
export function warningsOf({ before, after, stats, hasDocuments }: Change): string[] {
  const warnings: string[] = []
  const kept = (policy: Policy) => before.some((old) => lawOf(old) === lawOf(policy))
  if (after.some(({ limit, enforce }) => limit === 0 && enforce > 0))
    warnings.push('Nothing is allowed any more.')
  for (const policy of after) warnings.push(...comparisons(policy, before, after, stats))
  if (!after.every(kept))
    warnings.push(
      'All keys begin fresh: what they have used is forgotten, and blocks that denials began end. Blocks that an operator set go on.',
    )
  if (hasDocuments) warnings.push('Documents of limits cannot change this limiter until the update is ended.')
  return warnings
}

/** What the counts of an earlier policy say of the one that takes its place. */
function comparisons(
  policy: Policy,
  before: readonly Policy[],
  after: readonly Policy[],
  stats: LimiterStats,
): string[] {
  const isOnly = before.length === 1 && after.length === 1
  const old = isOnly ? before[0] : before.find(({ name }) => name === policy.name)
  const counts = old && stats.policies[old.name]
  if (old === undefined || counts === undefined) return []
  if (old.algorithm !== policy.algorithm)
    return [`${old.name} was of the algorithm ${old.algorithm}, and becomes one of ${policy.algorithm}.`]
  return [...nearLimit(old, policy, counts), ...enforced(old, policy, counts)]
}

function nearLimit(old: Policy, policy: Policy, { nearLimit, allowed, delayed }: PolicyStats): string[] {
  const isLower = policy.limit < old.limit || policy.rate / policy.per < old.rate / old.per
  const share = nearLimit / (allowed + delayed)
  if (!isLower || old.limit < SMALL || !(share >= FEW)) return []
  return [
    `${percent(share)} of what ${old.name} allowed left less than a fifth of its limit. A lower limit denies some of that.`,
  ]
}

function enforced(old: Policy, policy: Policy, { shadowDenied, allowed, delayed }: PolicyStats): string[] {
  if (policy.enforce <= old.enforce || shadowDenied === 0) return []
  const share = shadowDenied / (shadowDenied + allowed + delayed)
  return [
    `${old.name} denies more keys than before. As a shadow it would have denied ${percent(share)} of what it counted.`,
  ]
}

function lawOf(policy: Policy): string {
  return lawNumbers(policy).join(' ')
}
