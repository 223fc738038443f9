import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BodyStyle, Denied, RateLimitOptions } from '../../../types/index.js'
import {
  denialMessage,
  fastifyBody,
  PROBLEM_TYPE,
  problemBody,
  retryAfterSeconds,
  unavailableBody,
} from '../../http/index.js'
import { isPromise } from '../config/keys.js'
import { deniedError } from '../errors.js'
import type { Internals } from '../internals.js'
import type { Done } from '../lifecycle/stage.js'
import { type Entry, entryOf, requestDecision } from '../request/request-charge.js'

type OnDenied = NonNullable<RateLimitOptions['onDenied']>

/** An error, perhaps one of a store. */
interface StoreFailure extends Error {
  readonly statusCode?: number
  readonly code?: string
  readonly headers?: Record<string, string>
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** How one registration answers a request that is denied. */
export class Answer {
  readonly #sendHeaders: (tightest: Entry) => void
  readonly #onDenied: OnDenied | undefined
  readonly #body: BodyStyle
  readonly #internals: Internals
  /** The plain body made last and its seconds: a flood asks for the same again and again. */
  #plain: { seconds: number | null; text: string; length: string } = { seconds: 0, text: '', length: '' }

  constructor(
    sendHeaders: (tightest: Entry) => void,
    onDenied: OnDenied | undefined,
    body: BodyStyle,
    internals: Internals,
  ) {
    this.#sendHeaders = sendHeaders
    this.#onDenied = onDenied
    this.#body = body
    this.#internals = internals
  }

  /**
   * Answers 429 (RFC 6585, section 4) through the app's error handling. Where that is Fastify's own and nothing listens in,
   * the same body is sent at once: no error, no stack and no log line, so that a flood costs little. So is a body of another
   * style, which no error would carry.
   */
  readonly deny = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const entry = entryOf(request) as Entry
    const seconds = retryAfterSeconds(entry.retryAfter)
    if (this.#sendAtOnce(request, entry, seconds)) return
    // Not `reply.code()`: an error handler that redirects without saying how would then send a 429, not a 302.
    reply.raw.statusCode = 429
    reply.header('cache-control', 'no-store')
    if (seconds !== null) reply.header('retry-after', String(seconds))
    this.#sendHeaders(entry)
    if ((request.raw as { upgrade?: boolean }).upgrade) closeAfter(request, reply)
    if (this.#onDenied !== undefined && this.#tell(this.#onDenied, request, reply, entry)) return
    const message = denialMessage(entry.retryAfter)
    if (this.#body === 'fastify' && this.#internals.answersPlainly(request, 429)) {
      sendText(reply, JSON_TYPE, fastifyBody(message))
    } else if (this.#body !== 'fastify' && this.#internals.hasDefaultErrorHandler(request)) {
      this.#sendBody(this.#body, request, reply, entry, message, done)
    } else done(deniedError(message, requestDecision(entry)))
  }

  /** Sends the plain body past Fastify where nothing would see it on its way: no hook, no handler, no schema. */
  #sendAtOnce(request: FastifyRequest, entry: Entry, seconds: number | null): boolean {
    const internals = this.#internals
    const { reply } = entry
    if (this.#onDenied !== undefined || this.#body !== 'fastify' || !internals.sendsAsItIs(request))
      return false
    const headers = internals.headers(reply)
    if (headers === undefined || !internals.answersPlainly(request, 429)) return false
    if ((request.raw as { upgrade?: boolean }).upgrade || request.raw.httpVersionMajor !== 1) return false
    this.#sendHeaders(entry)
    if (this.#plain.seconds !== seconds) {
      const text = fastifyBody(denialMessage(entry.retryAfter))
      this.#plain = { seconds, text, length: String(text.length) }
    }
    headers['cache-control'] = 'no-store'
    if (seconds !== null) headers['retry-after'] = String(seconds)
    headers['content-type'] = JSON_TYPE
    headers['content-length'] = this.#plain.length
    reply.raw.writeHead(429, headers)
    reply.raw.end(this.#plain.text)
    return true
  }

  /**
   * Answers a failure. One of the store is 503, by way of the app's error handling, or, where that is Fastify's own, at once: the
   * log tells when the store fails, and need not tell it for each request.
   */
  readonly fail = (request: FastifyRequest, reply: FastifyReply, error: StoreFailure, done: Done): void => {
    if (error.statusCode !== 503 || !this.#internals.answersPlainly(request, 503)) return done(error)
    reply.raw.statusCode = 503
    reply.headers({ 'cache-control': 'no-store', ...error.headers })
    sendText(reply, JSON_TYPE, unavailableBody(String(error.code), error.message))
  }

  /** Where the function fails the failure is logged, and the denial goes the way of an error. */
  #sendBody(
    body: Exclude<BodyStyle, 'fastify'>,
    request: FastifyRequest,
    reply: FastifyReply,
    entry: Entry,
    message: string,
    done: Done,
  ): void {
    const decision = requestDecision(entry) as Denied
    if (body === 'problem') return sendText(reply, PROBLEM_TYPE, problemBody(message, decision.violated))
    const failed = (error: unknown) => {
      request.log.error({ err: error }, 'body failed')
      done(deniedError(message, decision))
    }
    try {
      const payload = body(request, decision)
      if (!isPromise(payload)) reply.send(payload)
      else
        Promise.resolve(payload)
          .then((payload) => reply.send(payload))
          .catch(failed)
    } catch (error) {
      failed(error)
    }
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
      const returned: unknown = onDenied(request, reply, requestDecision(entry) as Denied)
      if (isPromise(returned)) Promise.resolve(returned).catch(failed)
    } catch (error) {
      failed(error)
    }
    reply.send = send
    return replied || reply.sent
  }
}

/** Sends a text as it is, whatever an earlier hook said about the body of this reply. */
function sendText(reply: FastifyReply, type: string, text: string): void {
  if (reply.hasHeader('content-length')) reply.removeHeader('content-length')
  reply.header('content-type', type).serializer(asItIs).send(text)
}

function asItIs(text: string): string {
  return text
}

/** Node.js leaves the socket of an upgrade to whoever answers it: it would stay open, and hold `app.close()` up. */
function closeAfter(request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('finish', () => request.raw.socket.destroySoon())
}
