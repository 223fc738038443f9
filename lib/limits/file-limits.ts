import type { LimitsSource } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'
import { after } from '../store/index.js'
import { inUse } from './errors.js'
import type { Apply } from './live.js'
import { readBytes, textOf } from './read-file.js'
import { Watch } from './watch.js'

/** Milliseconds between two readings. */
const PAUSE = 2000

/** A file that is read again and again: content counts, not the time of a change nor which file it is. */
export class FileLimits implements LimitsSource {
  readonly #path: string
  readonly #later: typeof after
  #watch: Watch | null = null

  constructor(path: string, later = after) {
    this.#path = path
    this.#later = later
  }

  async start(apply: Apply, report: (error: Error) => void): Promise<void> {
    if (this.#watch !== null) throw inUse('fileLimits()')
    const watch = new Watch(PAUSE, this.#later)
    this.#watch = watch
    let content: Buffer | null = null
    const look = async () => {
      const read = await readBytes(this.#path)
      if (watch.isStopped || content?.equals(read)) return
      content = read
      apply(textOf(read, this.#path), this.#path)
    }
    try {
      await look()
    } catch (error) {
      this.stop()
      throw error
    }
    watch.start(look, (error) => {
      // What is there after a failure counts as new.
      content = null
      report(error)
    })
  }

  stop(): void {
    this.#watch?.stop()
    this.#watch = null
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
