import type { StoreState } from '../../../../types/index.js'
import { outage } from '../errors.js'

/** Failures in a row after which the store is taken to be down. */
const MOST_FAILURES = 5
/** Microseconds for which it is then left alone before a call may try it again. */
const PAUSE = 1_000_000

type Listener = (state: StoreState, error?: Error) => void

/**
 * A circuit breaker: after several failures in a row it opens, and calls are not made; once in a second one
 * batch tries, and closes it if that succeeds. Written here since the check is on the way of every request;
 * the libraries there are wrap promises.
 */
class Circuit {
  readonly #changed: (open: boolean, error?: Error) => void
  #failures = 0
  /** When the last batch was sent that was answered. */
  #answered = 0
  #open = false
  /** When the next try may be made, while open. */
  #retryAt = 0

  constructor(changed: (open: boolean, error?: Error) => void) {
    this.#changed = changed
  }

  /** Whether the store may be asked. `now`: local time in microseconds. */
  admits(now: number): boolean {
    return !this.#open || now >= this.#retryAt
  }

  /** A batch is being sent: while open it is the try, and others wait for what becomes of it. */
  sending(now: number): void {
    if (this.#open) this.#retryAt = now + PAUSE
  }

  /** A batch that was sent at that local time was answered. */
  succeeded(sentAt: number): void {
    this.#failures = 0
    this.#answered = Math.max(this.#answered, sentAt)
    if (!this.#open) return
    this.#open = false
    this.#changed(false)
  }

  /** A batch failed. One sent before another that was answered says nothing of the store as it is now. */
  failed(sentAt: number, now: number, error: Error): void {
    if (sentAt < this.#answered) return
    this.#failures++
    if (this.#open || this.#failures >= MOST_FAILURES) this.#retryAt = now + PAUSE
    if (this.#open || this.#failures < MOST_FAILURES) return
    this.#open = true
    this.#changed(true, error)
  }
}

/** The circuits of a store, one a shard: of a Cluster some nodes may fail while others answer. */
export class Circuits {
  readonly #circuits = new Map<number, Circuit>()
  readonly #listeners = new Set<Listener>()
  readonly #inForce: string
  #open = 0

  /** `inForce`: what happens to calls while the store is down. */
  constructor(inForce: string) {
    this.#inForce = inForce
  }

  /** `'down'` while any shard is. */
  get state(): StoreState {
    return this.#open > 0 ? 'down' : 'up'
  }

  of(shard: number): Circuit {
    let circuit = this.#circuits.get(shard)
    if (circuit === undefined) {
      circuit = new Circuit((open, error) => this.#change(open, error))
      this.#circuits.set(shard, circuit)
    }
    return circuit
  }

  onStateChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #change(open: boolean, error?: Error): void {
    const before = this.state
    this.#open += open ? 1 : -1
    const { state } = this
    if (state === before) return
    const outageError = error && outage(error, this.#inForce)
    if (this.#listeners.size === 0) announce(state, outageError)
    for (const listener of this.#listeners) notify(listener, state, outageError)
  }
}

/** An error of a listener is thrown later, so that calls are answered all the same. */
function notify(listener: Listener, state: StoreState, error?: Error): void {
  try {
    listener(state, error)
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown
    })
  }
}

/** Emits a process warning where nobody listens, as with limiters outside of Fastify. */
function announce(state: StoreState, error: Error | undefined): void {
  const message = state === 'down' ? (error as Error).message : 'the rate limit store answers again'
  process.emitWarning(message, { type: 'FloodgateWarning', code: 'FST_FLOODGATE_STORE' })
}
