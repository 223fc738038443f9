import { type After, after } from '../store/index.js'

/** Milliseconds between two attempts. */
const PAUSE = 1000

/** Keys whose blocks the store did not take. They are tried again each second, until it does. */
export class LateBlocks {
  readonly #keys = new Set<string>()
  readonly #again: (key: string) => void
  readonly #after: After
  #cancel: (() => void) | null = null
  #isClosed = false

  /** `again` tries once more, and adds the key again where that fails, too. */
  constructor(again: (key: string) => void, timer: After = after) {
    this.#again = again
    this.#after = timer
  }

  add(key: string): void {
    if (this.#isClosed) return
    this.#keys.add(key)
    this.#cancel ??= this.#after(PAUSE, () => {
      this.#cancel = null
      const keys = [...this.#keys]
      this.#keys.clear()
      for (const key of keys) this.#again(key)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }
}
