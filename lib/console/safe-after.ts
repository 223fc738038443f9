import type { FastifyBaseLogger } from 'fastify'
import type { After } from '../store/index.js'

/**
 * Calls listeners as `after` does, but one that throws does not end the process. Of faults that follow each
 * other the log has the first.
 */
export function safeAfter(after: After, logger: Pick<FastifyBaseLogger, 'error'>): After {
  let isFaulty = false
  return (ms, listener) =>
    after(ms, () => {
      try {
        listener()
        isFaulty = false
      } catch (error) {
        if (!isFaulty) logger.error({ err: error }, 'a fault in the console: its pages wait, requests go on')
        isFaulty = true
      }
    })
}
