import type { FastifyReply } from 'fastify'
import { Waits } from '../../limiter/index.js'

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
   * Holds a request for `ms`, and then calls `go`. If its client leaves before, calls `leave` instead.
   * Returns false, and calls neither, if too many wait already.
   */
  hold({ raw }: FastifyReply, ms: number, go: () => void, leave: () => void): boolean {
    const end = this.#waits.hold(ms, () => {
      raw.off('close', onClose)
      go()
    })
    if (end === null) return false
    const onClose = () => {
      end()
      leave()
    }
    raw.once('close', onClose)
    return true
  }
}
