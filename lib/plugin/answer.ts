import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RateLimitOptions } from '../../types/index.js'
import { denialMessage, fastifyBody, retryAfterSeconds } from '../http/index.js'
import { deniedError } from './errors.js'
import type { Internals } from './internals.js'
import { isPromise } from './keys.js'
import type { Done } from './stage.js'
import { type Entry, entryOf, requestDecision, sendHeaders } from './visit.js'

type OnDenied = NonNullable<RateLimitOptions['onDenied']>

const JSON_TYPE = 'application/json; charset=utf-8'

/** How one registration tells clients what was decided. */
export class Answer {
  readonly #headers: boolean
  readonly #onDenied: OnDenied | undefined
  readonly #internals: Internals

  constructor(headers: boolean, onDenied: OnDenied | undefined, internals: Internals) {
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
    // Not `reply.code()`: an error handler that redirects without saying how would then send a 429, not a 302.
    reply.raw.statusCode = 429
    reply.header('cache-control', 'no-store')
    if (seconds !== null) reply.header('retry-after', String(seconds))
    if (this.#headers) sendHeaders(entry)
    if ((request.raw as { upgrade?: boolean }).upgrade) closeAfter(request, reply)
    if (this.#onDenied !== undefined && this.#tell(this.#onDenied, request, reply, entry)) return
    const message = denialMessage(entry.retryAfter)
    if (this.#internals.answersPlainly(request)) sendPlainly(reply, message)
    else done(deniedError(message, requestDecision(entry)))
  }

  /** Calls `onDenied` and tells whether it replied. A failure of it is logged and changes nothing. */
  #tell(onDenied: OnDenied, request: FastifyRequest, reply: FastifyReply, entry: Entry): boolean {
    const failed = (error: unknown) => request.log.error({ err: error }, 'onDenied failed')
    // `reply.sent` turns true only when the last onSend hook is done, which may be later than now.
    const { send } = reply
    let replied = false
    reply.send = (payload) => {
      replied = true
      return send.call(reply, payload)
    }
    try {
      const returned: unknown = onDenied(request, reply, requestDecision(entry))
      if (isPromise(returned)) Promise.resolve(returned).catch(failed)
    } catch (error) {
      failed(error)
    }
    reply.send = send
    return replied || reply.sent
  }
}

/** Sends what Fastify would make of the error, whatever an earlier hook said about the body of this reply. */
function sendPlainly(reply: FastifyReply, message: string): void {
  if (reply.hasHeader('content-length')) reply.removeHeader('content-length')
  reply.header('content-type', JSON_TYPE).serializer(asItIs).send(fastifyBody(message))
}

function asItIs(body: string): string {
  return body
}

/** Node.js leaves the socket of an upgrade to whoever answers it: it would stay open, and hold `app.close()` up. */
function closeAfter(request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('finish', () => request.raw.socket.destroySoon())
}
