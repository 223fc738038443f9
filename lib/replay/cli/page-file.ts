import { rm, stat, writeFile } from 'node:fs/promises'
import { argumentError } from '../../command/index.js'
import { invalidOption } from '../../policy/index.js'
import { pageOf } from '../page/page.js'
import type { ReplayReport } from '../report.js'

/** The file of `--html`. */
export class PageFile {
  readonly #path: string
  readonly #isNew: boolean

  private constructor(path: string, isNew: boolean) {
    this.#path = path
    this.#isNew = isNew
  }

  /**
   * Finds out whether the file can be written before the logs are read, which may take minutes. Throws
   * `FST_FLOODGATE_ARGUMENT` if it cannot, and `FST_FLOODGATE_OPTION` if it is one of the logs.
   */
  static async open(path: string, logs: readonly string[]): Promise<PageFile> {
    const identity = await identityOf(path)
    const isNew = identity === null
    const others = await Promise.all(logs.map((log) => identityOf(log === '-' ? '/dev/stdin' : log)))
    if (!isNew && others.includes(identity))
      throw invalidOption('--html', path, 'a file that is none of the logs')
    const page = new PageFile(path, isNew)
    await page.#write('', 'a')
    return page
  }

  async write(report: ReplayReport): Promise<void> {
    await this.#write(pageOf(report), 'w')
  }

  /** Removes the file, unless it was there before. */
  async discard(): Promise<void> {
    if (this.#isNew) await rm(this.#path, { force: true })
  }

  async #write(text: string, flag: 'a' | 'w'): Promise<void> {
    await writeFile(this.#path, text, { flag }).catch(({ message }: Error) => {
      throw argumentError(`--html cannot be written: ${message}`)
    })
  }
}

/** The device and the number of a file, which all its names share, or null where there is none. */
async function identityOf(path: string): Promise<string | null> {
  const stats = await stat(path, { bigint: true }).catch(() => null)
  return stats && `${stats.dev}:${stats.ino}`
}
