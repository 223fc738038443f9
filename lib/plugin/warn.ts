/** Codes of what is worth a warning, with what to do about it. */
const WARNINGS = {
  FST_FLOODGATE_W001:
    "A request carries X-Forwarded-For but Fastify's trustProxy is off, so every client behind the proxy counts as one. Set trustProxy to the proxy's address, or have the header removed.",
  FST_FLOODGATE_W002:
    'The key strategy %s gave no key for a request, which is now counted by IP, in a key space of its own. Place the limiter after authentication, or answer 401 first.',
  FST_FLOODGATE_W003:
    'The key strategy %s failed for a request, which is now counted by IP, in a key space of its own. Reason: %s',
} as const

export type WarningCode = keyof typeof WARNINGS

/** Emits each warning once for each subject, as a process warning (`node --trace-warnings` shows where). */
export class Warnings {
  readonly #emitted = new Set<string>()

  once(code: WarningCode, subject = '', detail = ''): void {
    const id = `${code} ${subject}`
    if (this.#emitted.has(id)) return
    this.#emitted.add(id)
    const message = WARNINGS[code].replace('%s', subject).replace('%s', detail)
    process.emitWarning(message, { type: 'FloodgateWarning', code })
  }
}
