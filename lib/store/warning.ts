/** The page that has a paragraph for each code. */
const PAGE = 'https://unpkg.com/fastify-floodgate/docs/errors.md'

/** Emits a process warning (`node --trace-warnings` shows where), with the address of the paragraph that explains it. */
export function emitWarning(code: string, text: string): void {
  process.emitWarning(`${text} See ${PAGE}#${code.toLowerCase()}`, { type: 'FloodgateWarning', code })
}

/** `FST_FLOODGATE_W008`, of the plugin and of stores outside of Fastify. */
export function evictionWarning(policy: string): string {
  return `Redis has a maxmemory and the policy ${policy}, which forgets keys that are in use: a client that is denied gets its units back when memory is short. Set maxmemory-policy to noeviction, and give the limits a server of their own where other data needs another.`
}
