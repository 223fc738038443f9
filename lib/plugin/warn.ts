/** Codes of what is worth a warning, with what to do about it. */
const WARNINGS = {
  FST_FLOODGATE_W001: () =>
    "A request carries X-Forwarded-For but Fastify's trustProxy is off, so every client behind the proxy counts as one. Set trustProxy to the proxy's address, or have the header removed.",
  FST_FLOODGATE_W002: (strategy: string) =>
    `The key strategy ${strategy} gave no key for a request, which is now counted by IP, in a key space of its own. Place the limiter after authentication, or answer 401 first.`,
  FST_FLOODGATE_W003: (strategy: string, reason: string) =>
    `The key strategy ${strategy} failed for a request, which is now counted by IP, in a key space of its own. Reason: ${reason}`,
} as const

export type WarningCode = keyof typeof WARNINGS

/** Emits each warning once for each subject, as a process warning (`node --trace-warnings` shows where). */
export class Warnings {
  readonly #emitted = new Set<string>()

  once(code: WarningCode, subject = '', detail = ''): void {
    const id = `${code} ${subject}`
    if (this.#emitted.has(id)) return
    this.#emitted.add(id)
    process.emitWarning(WARNINGS[code](subject, detail), { type: 'FloodgateWarning', code })
  }
}
