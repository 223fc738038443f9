import { readFile, stat } from 'node:fs/promises'
import { LONGEST_DOCUMENT } from './document.js'
import { badLimits } from './errors.js'

/**
 * The content of a limits file. The path is followed each time: it may lead to another file by now. Rejects
 * with `FST_FLOODGATE_LIMITS`.
 */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    const file = await stat(path)
    if (!file.isFile()) throw new Error('it is not a file')
    if (file.size > LONGEST_DOCUMENT) throw new Error(`at most ${LONGEST_DOCUMENT} bytes are allowed`)
    return await readFile(path)
  } catch (error) {
    throw badLimits(`${path} cannot be read: ${reasonOf(error as Error)}`)
  }
}

/** The text of a limits file. Throws `FST_FLOODGATE_LIMITS` where it is not UTF-8. */
export function textOf(content: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw badLimits(`${path} cannot be read: it is not UTF-8`)
  }
}

/** Why a file cannot be read. */
function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EACCES: 'this process may not read it',
  }
  return reasons[code ?? ''] ?? message
}
