import type { LimitsSource } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'
import { after } from '../store/index.js'
import type { Apply } from './live.js'
import { readBytes, textOf } from './read-file.js'
import { Watch } from './watch.js'

/** Milliseconds between two readings. */
const PAUSE = 2000

/** A file that is read again and again: content counts, not the time of a change nor which file it is. */
export class FileLimits implements LimitsSource {
  readonly #path: string
  readonly #watch: Watch
  #content: Buffer | null = null

  constructor(path: string, later = after) {
    this.#path = path
    this.#watch = new Watch(PAUSE, later)
  }

  async start(apply: Apply, report: (error: Error) => void): Promise<void> {
    const read = await readBytes(this.#path)
    apply(textOf(read, this.#path), this.#path)
    this.#content = read
    const onFailure = (error: Error) => {
      // What is there after a failure counts as new.
      this.#content = null
      report(error)
    }
    this.#watch.start(() => this.#look(apply), onFailure)
  }

  stop(): void {
    this.#watch.stop()
  }

  async #look(apply: Apply): Promise<void> {
    const read = await readBytes(this.#path)
    if (this.#watch.isStopped || this.#content?.equals(read)) return
    this.#content = read
    apply(textOf(read, this.#path), this.#path)
  }
}

/**
 * Limits from a JSON file, which is read every 2 seconds. A document that is not allowed, or a file that
 * cannot be read, keeps the limits in force; at start the app does not start. Throws `FST_FLOODGATE_OPTION`
 * for a path that is not a string.
 *
 * @example
 * ```js
 * await app.register(rateLimit, { limits: fileLimits('/etc/api/limits.json') })
 * ```
 */
export function fileLimits(path: string): LimitsSource {
  if (typeof path !== 'string' || path === '') throw invalidOption('path', path, 'the path of a file')
  return new FileLimits(path)
}
