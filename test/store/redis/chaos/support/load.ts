import { setTimeout as sleep } from 'node:timers/promises'

/** Who gave an answer; `error`: nobody did, the call failed. */
export type Origin = 'store' | 'local' | 'none' | 'error'

export interface Answer {
  allowed: boolean
  origin: Origin
  error?: unknown
}

/** One decision under load. Instants are those of `performance.now()`, in ms. */
export interface Sample extends Answer {
  key: string
  from: number
  till: number
}

export type Ask = (key: string) => Promise<Answer>

export interface LoadOptions {
  /** Calls under way at once at most. Default: 20. */
  loops?: number
  /** Keys that they share, or a new one for each call. Default: 10. */
  keys?: number | 'fresh'
  /** Milliseconds between the answer to one call of a loop and the next call. Default: 40. */
  pause?: number
}

/** Loops that ask one after the other for keys in turn, and remember every answer. */
export class Load {
  readonly samples: Sample[] = []
  readonly #ask: Ask
  readonly #options: Required<LoadOptions>
  #running: Promise<unknown> | undefined
  #asked = 0
  #stopped = false
  startedAt = 0
  stoppedAt = 0

  constructor(ask: Ask, { loops = 20, keys = 10, pause = 40 }: LoadOptions = {}) {
    this.#ask = ask
    this.#options = { loops, keys, pause }
  }

  start(): void {
    this.startedAt = performance.now()
    this.#running = Promise.all(Array.from({ length: this.#options.loops }, () => this.#loop()))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.stoppedAt = performance.now()
  }

  async #loop(): Promise<void> {
    const { keys, pause } = this.#options
    await sleep(Math.random() * pause)
    while (!this.#stopped) {
      const n = this.#asked++
      const key = `client-${keys === 'fresh' ? n : n % keys}`
      const from = performance.now()
      const answer = await this.#ask(key).catch(
        (error: unknown): Answer => ({ allowed: false, origin: 'error', error }),
      )
      this.samples.push({ ...answer, key, from, till: performance.now() })
      await sleep(pause)
    }
  }
}

/** How often the loop is looked at, and by how much it may be late without counting as held up, in ms. */
const TICK = 5
const SLACK = 3

/**
 * When the event loop of this process stood still: what a call waited for then is not the fault of the store.
 */
export class Stalls {
  readonly #stalls: { from: number; till: number }[] = []
  readonly #timer: NodeJS.Timeout
  #last = performance.now()

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now()
      if (now - this.#last > TICK + SLACK) this.#stalls.push({ from: this.#last + TICK, till: now })
      this.#last = now
    }, TICK)
  }

  /** Milliseconds of a stretch of time in which the loop stood still. */
  within(from: number, till: number): number {
    let sum = 0
    for (const stall of this.#stalls)
      sum += Math.max(0, Math.min(till, stall.till) - Math.max(from, stall.from))
    return sum
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
