import type { StoreState } from '../../../types/index.js'

/** Failures in a row after which the store is taken to be down. */
const PATIENCE = 5
/** Microseconds for which it is then left alone before a call may try it again. */
const PAUSE = 1_000_000

type Listener = (state: StoreState, error?: Error) => void

/**
 * A circuit breaker: after several failures in a row it opens, and calls are not made; once in a second one batch tries, and
 * closes it if that succeeds. Written here since the check is on the way of every request; the libraries there are wrap promises.
 */
export class Circuit {
  readonly #listeners = new Set<Listener>()
  #failures = 0
  /** When the next try may be made, while open. */
  #retryAt = 0
  state: StoreState = 'up'

  /** May the store be asked, at that local time in microseconds? */
  admits(now: number): boolean {
    return this.state === 'up' || now >= this.#retryAt
  }

  /** A batch is being sent: while open it is the try, and others wait for what becomes of it. */
  sending(now: number): void {
    if (this.state === 'down') this.#retryAt = now + PAUSE
  }

  succeeded(): void {
    this.#failures = 0
    this.#enter('up')
  }

  failed(now: number, error: Error): void {
    this.#failures++
    if (this.#failures < PATIENCE && this.state === 'up') return
    this.#retryAt = now + PAUSE
    this.#enter('down', error)
  }

  onStateChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #enter(state: StoreState, error?: Error): void {
    if (state === this.state) return
    this.state = state
    if (this.#listeners.size === 0) announce(state, error)
    for (const listener of this.#listeners) listener(state, error)
  }
}

/** Where nobody listens, as with limiters outside of Fastify, the process is told. */
function announce(state: StoreState, error: Error | undefined): void {
  const message = state === 'down' ? (error as Error).message : 'the rate limit store answers again'
  process.emitWarning(message, { type: 'FloodgateWarning', code: 'FST_FLOODGATE_STORE' })
}
