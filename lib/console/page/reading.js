// The answer to "are we being attacked, or did we set it too low?", with the numbers that it comes from.
import { count, counted, percent } from './format.js'
import { all, refused } from './rates.js'

/** @typedef {import('../../../types/console.js').ConsoleCounts} Counts */
/** @typedef {import('../../../types/console.js').ConsoleOffender} ConsoleOffender */
/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */

/**
 * @typedef {object} Reading
 * @property {'quiet' | 'calm' | 'few' | 'many' | 'mixed' | 'unknown' | 'down'} level
 * @property {string} headline
 * @property {string[]} facts
 */

/** Less than this share of refused decisions is what a limit does on a usual day. */
const USUAL = 0.005
/** Keys that have this share of all denials are those that matter. */
const MOST = 0.8
const FEW_KEYS = 5
const MANY_KEYS = 20
/** More allowed decisions than this near the limit: clients have no room. */
const CLOSE = 0.2
/** Of smaller limits a fifth is less than one. */
const SMALL = 5

/**
 * @param {Counts} minute counts of the last minute
 * @param {Counts} quarter counts of the last 15 minutes
 * @param {ConsoleState} state
 * @returns {Reading}
 */
export function read(minute, quarter, state) {
  const reading = readCounts(minute, quarter, state)
  const { state: store } = /** @type {{ state?: string }} */ (state.store)
  if (store !== 'down') return reading
  return { level: 'down', headline: 'The store is down.', facts: [reading.headline, ...reading.facts] }
}

/**
 * @param {Counts} minute
 * @param {Counts} quarter
 * @param {ConsoleState} state
 * @returns {Reading}
 */
function readCounts(minute, quarter, state) {
  const decisions = all(minute)
  if (decisions === 0) return { level: 'quiet', headline: 'No decisions in the last minute.', facts: [] }
  const share = refused(minute) / decisions
  const facts = [shareFact(minute, share, quarter)]
  if (share < USUAL) {
    const headline = refused(minute) === 0 ? 'Calm. Nobody is denied.' : 'Calm. Hardly anybody is denied.'
    return { level: 'calm', headline, facts: [...facts, ...roomFacts(state)] }
  }
  const { offenders } = state
  if (offenders === null || offenders.length === 0) {
    facts.push('Who is denied is not known: the option offenders is off, or has seen nobody yet.')
    return {
      level: 'unknown',
      headline: `${percent(share)} of the decisions are denials.`,
      facts: [...facts, ...roomFacts(state)],
    }
  }
  return {
    ...spread(offenders, closest(state)),
    facts: [...facts, spreadFact(offenders), ...roomFacts(state)],
  }
}

/** @param {readonly ConsoleOffender[]} offenders @param {{ share: number } | null} close */
function spread(offenders, close) {
  const keys = keysWithMost(offenders)
  if (keys <= FEW_KEYS)
    return {
      level: /** @type {const} */ ('few'),
      headline:
        keys === 1
          ? 'One client causes most denials: an attack, or a client gone wrong.'
          : 'A few clients cause most denials: an attack, or clients gone wrong.',
    }
  if (keys < MANY_KEYS)
    return {
      level: /** @type {const} */ ('mixed'),
      headline: 'Some clients cause most denials. Look at the worst.',
    }
  const headline =
    close !== null && close.share >= CLOSE
      ? 'Many clients are denied, and many more come close: the limit may be too low.'
      : 'Many clients are denied: many attackers, or a limit that is too low.'
  return { level: /** @type {const} */ ('many'), headline }
}

/** How many of the worst have most of the denials. @param {readonly ConsoleOffender[]} offenders */
export function keysWithMost(offenders) {
  const sizes = offenders.map(refused).sort((a, b) => b - a)
  const enough = MOST * sizes.reduce((total, size) => total + size, 0)
  let total = 0
  return (
    sizes.findIndex((size) => {
      total += size
      return total >= enough
    }) + 1
  )
}

/** @param {readonly ConsoleOffender[]} offenders */
function spreadFact(offenders) {
  const keys = keysWithMost(offenders)
  const worst = Math.max(...offenders.map(refused))
  const total = offenders.reduce((sum, offender) => sum + refused(offender), 0)
  const one = `the worst ${percent(worst / total)}`
  return keys === 1
    ? `Of the known denials, one client has ${percent(worst / total)}`
    : `${counted(keys, 'client')} of ${count(offenders.length)} have ${percent(MOST)} of the known denials, ${one}`
}

/** @param {Counts} minute @param {number} share @param {Counts} quarter */
function shareFact(minute, share, quarter) {
  const usual = refused(quarter) / all(quarter)
  const shadow = minute.shadowDenied / Math.max(refused(minute), 1)
  const tried = shadow > 0.5 ? ', most of them by shadows' : ''
  return `${percent(share)} denied in the last minute${tried}; ${percent(usual)} in 15 minutes`
}

/** The policy whose clients have the least room. @param {ConsoleState} state */
function closest({ limiters }) {
  const shares = limiters.flatMap((limiter) =>
    limiter.policies.map((policy) => ({ limiter: limiter.name, share: nearShare(policy) ?? 0 })),
  )
  return shares.reduce(
    (worst, next) => (worst === null || next.share > worst.share ? next : worst),
    /** @type {{ limiter: string, share: number } | null} */ (null),
  )
}

/**
 * The share of what was allowed that left less than a fifth. Null for limits so small that it says nothing.
 *
 * @param {{ allowed: number, delayed: number, nearLimit: number, limit: number }} policy
 */
export function nearShare({ allowed, delayed, nearLimit, limit }) {
  if (limit < SMALL) return null
  return allowed + delayed === 0 ? 0 : nearLimit / (allowed + delayed)
}

/** @param {ConsoleState} state */
function roomFacts(state) {
  const worst = closest(state)
  if (worst === null || worst.share === 0) return []
  return [`${percent(worst.share)} of what ${worst.limiter} allows is near the limit`]
}
