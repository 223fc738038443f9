import type { after } from '../store/index.js'

/** Looks at a source again and again, with a pause after each look. */
export class Watch {
  isStopped = false
  readonly #pause: number
  readonly #after: typeof after
  #cancel: (() => void) | null = null

  /** `pause` in milliseconds. */
  constructor(pause: number, later: typeof after) {
    this.#pause = pause
    this.#after = later
  }

  /** `onFailure` hears of looks that fail, but not once this is stopped. */
  start(look: () => Promise<void>, onFailure: (error: Error) => void): void {
    if (this.isStopped) return
    this.#cancel = this.#after(this.#pause, () => {
      look()
        .catch((error) => {
          if (!this.isStopped) onFailure(error)
        })
        .then(() => this.start(look, onFailure))
    })
  }

  stop(): void {
    this.isStopped = true
    this.#cancel?.()
  }
}
