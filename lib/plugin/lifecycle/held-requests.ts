import type { FastifyReply, FastifyRequest } from 'fastify'
import { Waits } from '../../limiter/index.js'
import { hasEnded, onEnd } from '../request/end.js'

/** The requests of one registration that wait for their units: at most so many at a time. */
export class HeldRequests {
  readonly #waits: Waits

  constructor(most: number) {
    this.#waits = new Waits(most)
  }

  /** Requests that wait now. */
  get count(): number {
    return this.#waits.waiting
  }

  /**
   * Holds a request for `ms`, and then calls `go`. If its client leaves before, or has left, calls `leave`
   * instead. Returns false, and calls neither, if too many wait already.
   */
  hold(request: FastifyRequest, reply: FastifyReply, ms: number, go: () => void, leave: () => void): boolean {
    // It may have left while its key was read, or the store was asked.
    if (hasEnded(request, reply)) {
      leave()
      return true
    }
    const end = this.#waits.hold(ms, () => {
      off()
      go()
    })
    if (end === null) return false
    const off = onEnd(request, reply, () => {
      end()
      leave()
    })
    return true
  }
}
