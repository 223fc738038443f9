// Calls of the API. Addresses are relative, so that the page works below any prefix and behind a proxy.

/** @typedef {import('../../../types/console.js').ConsoleKey} ConsoleKey */
/** @typedef {import('../../../types/console.js').ConsolePreview} ConsolePreview */
/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */
/** @typedef {{ limiter: string, key: string } | { limiter: string, offender: string }} Subject */

/** Milliseconds after which a call is given up. */
const TIMEOUT = 8000

/** An answer that is not a success. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @returns {Promise<ConsoleState>} */
export const getState = () => ask('api/state', {})

/** @param {Subject} subject @returns {Promise<ConsoleKey>} */
export const look = (subject) => post('look', subject)

/** @param {Subject} subject @returns {Promise<ConsoleKey>} */
export const reset = (subject) => post('reset', subject)

/** @param {Subject & { period: string, comment?: string }} body @returns {Promise<ConsoleKey>} */
export const block = (body) => post('block', body)

/**
 * @param {Subject & { policy: object | false | null, until?: string, comment?: string }} body
 * @returns {Promise<ConsoleKey>}
 */
export const override = (body) => post('override', body)

/** @param {{ limiter: string, policies: object | null }} body @returns {Promise<ConsolePreview>} */
export const preview = (body) => post('preview', body)

/**
 * @param {{ limiter: string, policies: object | null, comment?: string }} body null: what was changed ends
 * @returns {Promise<ConsoleState>}
 */
export const update = (body) => post('update', body)

/** A key is in the body, never in an address that somebody logs. @param {string} verb @param {object} body */
function post(verb, body) {
  // Another origin cannot send this header without being allowed to.
  const headers = { 'content-type': 'application/json', 'x-floodgate-console': '1' }
  return ask(`api/${verb}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** @param {string} path @param {RequestInit} init */
async function ask(path, init) {
  const answer = await fetch(path, {
    ...init,
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT),
  }).catch(() => {
    throw new Refused(0, 'The server does not answer.')
  })
  const body = await answer.json().catch(() => null)
  if (answer.ok && body !== null) return body
  throw new Refused(answer.status, explain(answer, body))
}

/** @param {Response} answer @param {unknown} body */
function explain({ status, statusText }, body) {
  const message = /** @type {{ message?: unknown } | null} */ (body)?.message
  if (status === 401) return 'The server asks you to sign in again.'
  return typeof message === 'string' ? message : `The server answered ${status} ${statusText}`.trim()
}
