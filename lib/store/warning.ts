import type { StoreWarningCode } from '../../types/index.js'

/** The page that has a paragraph for each code. */
const PAGE = 'https://unpkg.com/fastify-floodgate/docs/errors.md'

/**
 * Emits a process warning (`node --trace-warnings` shows where), with the address of the paragraph that
 * explains it.
 */
export function emitWarning(code: string, text: string): void {
  process.emitWarning(`${text} See ${PAGE}#${code.toLowerCase()}`, { type: 'FloodgateWarning', code })
}

/** `FST_FLOODGATE_W008`, of the plugin and of stores outside of Fastify. */
export function evictionWarning(policy: string): string {
  return `Redis has a maxmemory and the policy ${policy}, which forgets keys that are in use: a client that is denied gets its units back when memory is short. Set maxmemory-policy to noeviction, and give the limits a server of their own where other data needs another.`
}

/** `FST_FLOODGATE_W013`, of the plugin and of stores outside of Fastify. */
export function forgottenWarning(): string {
  return 'A full store forgot a key that was being denied, so its client can go on too early: more keys are denied at once than the store has room for. Raise maxKeys, or maxUnits where windows are large; add the option guard; give routes that must hold, such as logins, a registration with a store of its own.'
}

type Listener = (code: StoreWarningCode, subject: string) => void

/** The listeners to the warnings of a store. */
export class StoreWarnings {
  readonly #listeners = new Set<Listener>()

  /** As `SyncStore.onWarning`. */
  readonly onWarning = (listener: Listener): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Warns all listeners. Without a listener, as for limiters outside of Fastify, warns the process. */
  warn(code: StoreWarningCode, subject: string, text: string): void {
    if (this.#listeners.size === 0) emitWarning(code, text)
    for (const listener of this.#listeners) listener(code, subject)
  }
}
