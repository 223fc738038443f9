import { invalidOption, ownOptions } from '../../policy/index.js'
import { emitWarning, evictionWarning, forgottenWarning } from '../../store/index.js'

/** If so many requests of a limiter, from the first on, have no key, its key strategy is probably wrong. */
export const MOST_MISSES = 100

/** The text of each warning, with its cure. It never holds a key, an IP or the text of an error. */
const WARNINGS = {
  FST_FLOODGATE_W001: () =>
    "A request carries X-Forwarded-For but Fastify's trustProxy is off, so every client behind the proxy counts as one. Set trustProxy to the proxy's address, or have the header removed.",
  FST_FLOODGATE_W002: (strategy: string, instead: string) =>
    instead === ''
      ? `The key strategy ${strategy} gave no key for a request, also after the hooks of its route, so it is now counted by IP, in a key space of its own. Set what the strategy reads in a hook of the route, not in its handler, or answer 401 first.`
      : `The key strategy ${strategy} gave ${instead}, which is no key: the request is counted by IP, in a key space of its own. Return a string or a number, such as the id of a user.`,
  FST_FLOODGATE_W003: (strategy: string, reason: string) =>
    `The key strategy ${strategy} failed for a request, which is now counted by IP, in a key space of its own. Reason: ${reason}.`,
  FST_FLOODGATE_W004: () =>
    "A request carries X-Forwarded-For but trustProxy is a number, for which this version of Fastify trusts nobody, so every client behind the proxy counts as one. Set trustProxy to the proxy's address.",
  FST_FLOODGATE_W005: (limiter: string) =>
    `The limiter ${limiter} is defined, but when the app was ready no route, hook() or get() had named it. Name it in config.rateLimit, or remove it. If only handlers get() it, get it once at start.`,
  FST_FLOODGATE_W006: (limiter: string, strategy: string) =>
    `None of the first ${MOST_MISSES} requests of the limiter ${limiter} had a key: the key strategy ${strategy} probably runs too early, or reads a name that is misspelt. Run the limiter later with the option hook, or correct the strategy.`,
  FST_FLOODGATE_W007: (limiter: string) =>
    `The limiter ${limiter} charged one key twice for one request, as a hook placed by hand does in addition to config.rateLimit. Remove one of the two, or say what a request costs with the option cost.`,
  FST_FLOODGATE_W008: evictionWarning,
  FST_FLOODGATE_W009: (place: string) =>
    `The function in ${place} returned something that is no limiter of this app, and its request was charged to the default limiter. Return 'default', a name from limiters or define(), a policy, a list of these, or false; map what clients send to names of your own.`,
  FST_FLOODGATE_W010: () =>
    "Fastify's trustProxy is true, so any client can name its own address in X-Forwarded-For and is counted under it. Set trustProxy to the proxy's address or network. Where all clients come through a proxy that overwrites the header, switch this warning off.",
  FST_FLOODGATE_W011: () =>
    "A request carries X-Forwarded-For but its peer is not among those that Fastify's trustProxy names, so the header is ignored and the peer is counted. If the peer is a proxy of yours, add its address or network to trustProxy: all clients behind it count as one. Where clients reach the app directly and send the header at will, switch this warning off.",
  FST_FLOODGATE_W012: (strategy: string) =>
    `The default limiter counts by the key strategy ${strategy}, which is asked after authentication, and there is no guard: no limiter sees those who guess credentials, and guessing is unlimited. Add the option guard, or limit the routes by IP as well. Where no authentication answers before the limiter runs, switch this warning off.`,
  FST_FLOODGATE_W013: forgottenWarning,
  FST_FLOODGATE_W014: (pattern: string) =>
    `The pattern ${pattern} in the option exempt matches no route. Write the URL of a route as it is declared, prefix included, with a final * for any rest, or remove the pattern.`,
  FST_FLOODGATE_W015: (url: string, where: string) =>
    `The route ${url} has ${where}, which is not read: the route is limited as if it was not there. Write config: { rateLimit: … }.`,
  FST_FLOODGATE_W016: (place: string, option: string) =>
    `The function in ${place} returned a policy whose option ${option} is not allowed, and its request was charged to the default limiter. Check what the function returns, such as a row of a table, against the options of a policy.`,
  FST_FLOODGATE_W017: (place: string, reason: string) =>
    `The function in ${place} failed for a request, which was charged to the default limiter. Reason: ${reason}. Return the limiter of clients that are not known as well, such as a request without a user.`,
} as const

export type WarningCode = keyof typeof WARNINGS

const CODES = Object.keys(WARNINGS) as WarningCode[]

/** Emits each warning once for each subject, as a process warning (`node --trace-warnings` shows where). */
export class Warnings {
  readonly #wanted: ReadonlySet<WarningCode>
  readonly #emitted = new Set<string>()

  /** `wanted` is the option `warnings`: all or none, or by code. Throws a coded error for unknown codes. */
  constructor(wanted: boolean | Readonly<Record<string, boolean>> = true) {
    const choice = typeof wanted === 'boolean' ? {} : readChoice(wanted)
    this.#wanted = new Set(CODES.filter((code) => choice[code] ?? wanted !== false))
  }

  /** Whether a warning is switched on. If not, the work that only it needs can be left out. */
  wants(code: WarningCode): boolean {
    return this.#wanted.has(code)
  }

  once(code: WarningCode, subject = '', detail = ''): void {
    const id = `${code} ${subject}`
    if (!this.wants(code) || this.#emitted.has(id)) return
    this.#emitted.add(id)
    emitWarning(code, WARNINGS[code](subject, detail))
  }
}

function readChoice(choice: Readonly<Record<string, boolean>>): Readonly<Record<string, boolean>> {
  if (typeof choice !== 'object' || choice === null || Array.isArray(choice)) {
    throw invalidOption('warnings', choice, 'true, false, or an object of codes, each true or false')
  }
  const own = ownOptions(choice, CODES, 'warnings.')
  for (const [code, wanted] of Object.entries(own)) {
    if (wanted !== undefined && typeof wanted !== 'boolean')
      throw invalidOption(`warnings.${code}`, wanted, 'true or false')
  }
  return own
}
