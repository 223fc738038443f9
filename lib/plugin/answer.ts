import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RateLimitOptions } from '../../types/index.js'
import { denialMessage, fastifyBody, retryAfterSeconds } from '../http/index.js'
import { deniedError } from './errors.js'
import type { Internals } from './internals.js'
import type { Done } from './stage.js'
import { type Entry, entryOf, requestDecision, sendHeaders } from './visit.js'

const JSON_TYPE = 'application/json; charset=utf-8'

/** How one registration tells clients what was decided. */
export class Answer {
  readonly #headers: boolean
  readonly #onDenied: RateLimitOptions['onDenied']
  readonly #internals: Internals

  constructor(headers: boolean, onDenied: RateLimitOptions['onDenied'], internals: Internals) {
    this.#headers = headers
    this.#onDenied = onDenied
    this.#internals = internals
  }

  /**
   * Answers 429 (RFC 6585, section 4) through the app's error handling. Where that is Fastify's own and nothing listens in,
   * the same body is sent at once: no error, no stack and no log line, so that a flood costs little.
   */
  readonly deny = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const entry = entryOf(request) as Entry
    const seconds = retryAfterSeconds(entry.retryAfter)
    reply.code(429).header('cache-control', 'no-store')
    if (seconds !== null) reply.header('retry-after', String(seconds))
    if (this.#headers) sendHeaders(entry)
    if (this.#onDenied !== undefined) {
      this.#tell(request, reply, entry)
      if (reply.sent) return
    }
    const message = denialMessage(entry.retryAfter)
    if (this.#internals.answersPlainly(request))
      reply.header('content-type', JSON_TYPE).send(fastifyBody(message))
    else done(deniedError(message, requestDecision(entry)))
  }

  /** Calls `onDenied`; a failure of it is logged and changes nothing. */
  #tell(request: FastifyRequest, reply: FastifyReply, entry: Entry): void {
    const failed = (error: unknown) => request.log.error({ err: error }, 'onDenied failed')
    try {
      const returned: unknown = this.#onDenied?.(request, reply, requestDecision(entry))
      if (returned instanceof Promise) returned.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
