import type { Charge } from '../../types/index.js'
import { type After, afterWait } from '../store/index.js'

/**
 * Calls that are held until the units that they were charged have come back: at most so many at a time, each
 * with a timer that keeps the process alive. There is no queue. Each call knows its delay when it is charged,
 * so a call that gives up holds back no other.
 */
export class Waits {
  readonly #most: number
  readonly #after: After
  #waiting = 0

  constructor(most: number, after: After = afterWait) {
    this.#most = most
    this.#after = after
  }

  /** Calls that wait now. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Calls `go` after `ms`, never sooner. Returns a function that ends the wait, so that `go` is not called.
   * Returns null, and calls nothing, if too many wait already.
   */
  hold(ms: number, go: () => void): (() => void) | null {
    if (this.#waiting >= this.#most) return null
    this.#waiting++
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      this.#waiting--
      cancel()
    }
    const cancel = this.#after(ms, () => {
      end()
      go()
    })
    return end
  }
}

/**
 * Turns the verdicts of charges into those of a denial, because no more calls may be held. `delays` are those
 * that the charges had before their units were given back. A call that asks again after its delay need not be
 * held.
 */
export function denyDelayed(charges: readonly Charge[], delays: readonly number[]): void {
  for (const [i, charge] of charges.entries()) {
    if (delays[i] === 0 || !charge.allowed) continue
    charge.allowed = false
    charge.delay = 0
    charge.retryAfter = delays[i]
  }
}
