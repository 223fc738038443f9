const NAME = 'floodgate'

/**
 * Marks a hook as one of the plugin's, by its name. Fastify binds hooks, and a bound function keeps only the
 * name.
 */
export function markOwn<Hook extends (...args: never[]) => unknown>(hook: Hook): Hook {
  return Object.defineProperty(hook, 'name', { value: NAME })
}

/** Whether a hook, as Fastify keeps it, is one of the plugin's, of this registration or another. */
export function isOwn(hook: unknown): boolean {
  return typeof hook === 'function' && (hook.name === NAME || hook.name === `bound ${NAME}`)
}
