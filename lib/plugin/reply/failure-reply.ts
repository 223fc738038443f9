import type { FastifyReply, FastifyRequest } from 'fastify'
import { unavailableBody } from '../../http/index.js'
import type { Internals } from '../internals.js'
import type { Done } from '../lifecycle/points.js'
import { JSON_TYPE, sendText } from './send-text.js'

/** An error, possibly one of a store. */
interface StoreFailure extends Error {
  readonly statusCode?: number
  readonly code?: string
  readonly headers?: Record<string, string>
}

/** The reply to a request that could not be decided. */
export class FailureReply {
  readonly #internals: Internals

  constructor(internals: Internals) {
    this.#internals = internals
  }

  /**
   * Replies 503 to a failure of the store, through the app's error handling. Where that is Fastify's own, the
   * same body is sent without a log line, because the log has said already that the store is down. Any other
   * error goes on as it is.
   */
  send(request: FastifyRequest, reply: FastifyReply, error: StoreFailure, done: Done): void {
    // As for denials: an answer may have gone out meanwhile.
    if (reply.sent) return done()
    if (error.statusCode !== 503 || !this.#internals.answersPlainly(request, 503)) return done(error)
    reply.raw.statusCode = 503
    reply.headers({ 'cache-control': 'no-store', ...error.headers })
    sendText(reply, JSON_TYPE, unavailableBody(String(error.code), error.message))
  }
}
