// The colours of outcomes, which the style sheet holds for light and dark.

/** @typedef {keyof import('../../../types/console.js').ConsoleCounts} Outcome */

/** Outcomes as the chart stacks them, from the ground up: trouble has the ground, where its shape is seen. */
export const STACK = /** @type {const} */ (['blocked', 'denied', 'delayed', 'shadowDenied', 'allowed'])

/** @type {Record<Outcome, string>} */
export const WORDS = {
  allowed: 'allowed',
  delayed: 'delayed',
  denied: 'denied',
  blocked: 'blocked',
  shadowDenied: 'shadow-denied',
}

/** The name of an outcome in the style sheet. @type {Record<Outcome, string>} */
export const CLASSES = { ...WORDS, shadowDenied: 'shadow' }

/** A colour of the style sheet, such as `--denied`. @param {string} name */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
