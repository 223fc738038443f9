import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BodyStyle, Denied, RateLimitOptions } from '../../../types/index.js'
import {
  type DenialFacts,
  denialMessage,
  fastifyBody,
  PROBLEM_TYPE,
  problemBody,
  retryAfterSeconds,
} from '../../http/index.js'
import { deniedError } from '../../limiter/index.js'
import type { Internals } from '../internals.js'
import { isPromise } from '../is-promise.js'
import type { Done } from '../lifecycle/points.js'
import { type RequestCharge, requestDecision } from '../request/request-charge.js'
import { isInProgress } from '../request/settlement.js'
import { isUpgrade } from '../request/upgrade.js'
import type { LimitHeaders } from './limit-headers.js'
import { JSON_TYPE, sendText } from './send-text.js'

type OnDenied = NonNullable<RateLimitOptions['onDenied']>

/**
 * The reply of one registration to requests that are denied: 429 (RFC 6585, section 4), or 503 where a
 * limiter sheds load.
 */
export class DenialReply {
  readonly #headers: LimitHeaders
  readonly #onDenied: OnDenied | undefined
  readonly #body: BodyStyle
  readonly #internals: Internals
  /** The last plain body: in a flood the next one is the same. */
  #plain: PlainBody | null = null

  constructor(headers: LimitHeaders, onDenied: OnDenied | undefined, body: BodyStyle, internals: Internals) {
    this.#headers = headers
    this.#onDenied = onDenied
    this.#body = body
    this.#internals = internals
  }

  /**
   * Replies through the app's error handling. Where that is Fastify's own and nothing observes it, sends the
   * same body at once: no error, no stack and no log line, so that a flood costs little. A body of another
   * style is sent at once, too, because an error cannot carry it.
   */
  send(request: FastifyRequest, reply: FastifyReply, denied: RequestCharge, done: Done): void {
    // The decision may come late: Fastify has answered at its `handlerTimeout`, or a hook has.
    if (reply.sent) return done()
    const seconds = retryAfterSeconds(denied.retryAfter)
    if (this.#sendAtOnce(request, reply, denied, seconds)) return
    // Not `reply.code()`: an error handler that redirects without a code would then send this status,
    // not a 302.
    const { status } = denied.member
    reply.raw.statusCode = status
    reply.header('cache-control', 'no-store')
    if (seconds !== null) reply.header('retry-after', String(seconds))
    this.#headers.write(reply, denied, denied.all)
    if (isUpgrade(request)) closeAfter(request, reply)
    if (this.#onDenied !== undefined && this.#callOnDenied(this.#onDenied, request, reply, denied)) return
    const message = denialMessage(factsOf(denied))
    if (this.#body === 'fastify' && this.#internals.answersPlainly(request, status)) {
      sendText(reply, JSON_TYPE, fastifyBody(status, message))
    } else if (this.#body !== 'fastify' && this.#internals.hasDefaultErrorHandler(request)) {
      this.#sendBody(this.#body, request, reply, denied, message, done)
    } else done(deniedError(status, message, requestDecision(denied)))
  }

  /**
   * Sends the plain body past Fastify, where no hook, handler or schema would see it. Returns whether it did.
   */
  #sendAtOnce(
    request: FastifyRequest,
    reply: FastifyReply,
    denied: RequestCharge,
    seconds: number | null,
  ): boolean {
    const internals = this.#internals
    if (this.#onDenied !== undefined || this.#body !== 'fastify' || !internals.sendsUnchanged(request))
      return false
    const headers = internals.headers(reply)
    const { status } = denied.member
    if (headers === undefined || !internals.answersPlainly(request, status)) return false
    if (isUpgrade(request) || request.raw.httpVersionMajor !== 1) return false
    this.#headers.write(reply, denied, denied.all)
    if (this.#plain === null || !this.#plain.isFor(denied, seconds))
      this.#plain = new PlainBody(factsOf(denied), seconds)
    const { text, length } = this.#plain
    headers['cache-control'] = 'no-store'
    if (seconds !== null) headers['retry-after'] = String(seconds)
    headers['content-type'] = JSON_TYPE
    headers['content-length'] = length
    reply.raw.writeHead(status, headers)
    reply.raw.end(text)
    return true
  }

  /** If a body function fails, logs the error and replies with the error of the denial. */
  #sendBody(
    body: Exclude<BodyStyle, 'fastify'>,
    request: FastifyRequest,
    reply: FastifyReply,
    denied: RequestCharge,
    message: string,
    done: Done,
  ): void {
    const decision = requestDecision(denied) as Denied
    if (body === 'problem')
      return sendText(reply, PROBLEM_TYPE, problemBody(factsOf(denied), decision.violated))
    const failed = (error: unknown) => {
      request.log.error({ err: error }, 'body failed')
      done(deniedError(denied.member.status, message, decision))
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

  /** Calls `onDenied` and returns whether it replied. Its failure is logged and changes nothing. */
  #callOnDenied(
    onDenied: OnDenied,
    request: FastifyRequest,
    reply: FastifyReply,
    denied: RequestCharge,
  ): boolean {
    const failed = (error: unknown) => request.log.error({ err: error }, 'onDenied failed')
    // `reply.sent` is true only after the last onSend hook, which may end later.
    const { send } = reply
    let replied = false
    reply.send = (payload) => {
      send.call(reply, payload)
      // Unless that failed.
      replied = true
      return reply
    }
    try {
      const { first } = denied
      const decision = requestDecision(denied) as Denied
      const returned: unknown = onDenied(request, reply, decision, { first })
      if (isPromise(returned)) Promise.resolve(returned).catch(failed)
    } catch (error) {
      failed(error)
    }
    reply.send = send
    return replied || reply.sent || reply.raw.headersSent
  }
}

/** The body of a denial, and what it depends on. */
class PlainBody {
  readonly text: string
  /** Bytes. */
  readonly length: string
  readonly #facts: DenialFacts
  readonly #seconds: number | null

  constructor(facts: DenialFacts, seconds: number | null) {
    this.text = fastifyBody(facts.status, denialMessage(facts))
    this.length = String(this.text.length)
    this.#facts = facts
    this.#seconds = seconds
  }

  /** Whether a denial has the same body. `seconds`: its Retry-After. */
  isFor(denied: RequestCharge, seconds: number | null): boolean {
    const { status, blocked, inProgress } = this.#facts
    return (
      this.#seconds === seconds &&
      status === denied.member.status &&
      blocked === denied.blocked &&
      inProgress === isInProgress(denied)
    )
  }
}

function factsOf(denied: RequestCharge): DenialFacts {
  const { member, retryAfter, blocked } = denied
  return { status: member.status, retryAfter, blocked, inProgress: isInProgress(denied) }
}

/**
 * Closes the socket of an upgrade after the reply. Node.js leaves it open, and `app.close()` would wait for
 * it.
 */
function closeAfter(request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('finish', () => request.raw.socket.destroySoon())
}
