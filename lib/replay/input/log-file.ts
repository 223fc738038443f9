import { open, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { invalidOption } from '../../policy/index.js'
import { logError } from '../errors.js'
import { type Bytes, FileBytes, HeadBytes, StreamBytes } from './bytes.js'
import { GzipBytes } from './gunzip.js'

/** A path, an address of a file, or a stream of bytes such as `process.stdin`. Each may be gzip. */
export type LogFile = string | URL | AsyncIterable<Uint8Array>

/** How compressed files begin, and what decodes those that we cannot read. */
const GZIP = '1f8b'
const FOREIGN: Readonly<Record<string, string>> = {
  '28b52ffd': 'zstdcat',
  '425a68': 'bzcat',
  fd377a58: 'xzcat',
}
const LONGEST_MARK = 4

/** A log, opened as often as it is read. */
export class OpenableLog {
  readonly name: string
  /** Bytes of the file when it was looked at first; null for a stream, which can be read only once. */
  readonly size: number | null
  readonly #open: () => Promise<Bytes>

  private constructor(name: string, size: number | null, open: () => Promise<Bytes>) {
    this.name = name
    this.size = size
    this.#open = open
  }

  /** Throws `FST_FLOODGATE_LOG` if there is no such file, and `FST_FLOODGATE_OPTION` for no file at all. */
  static async find(file: LogFile): Promise<OpenableLog> {
    if (typeof file === 'string' || file instanceof URL) return await findPath(file)
    if (typeof file?.[Symbol.asyncIterator] !== 'function')
      throw invalidOption('files', file, 'a path, or a stream of bytes such as process.stdin')
    const name = (file as unknown) === process.stdin ? 'stdin' : 'stream'
    return new OpenableLog(name, null, async () => new StreamBytes(file))
  }

  static ofPath(path: string, size: number | null): OpenableLog {
    return new OpenableLog(path, size, async () => {
      const file = await open(path).catch((error) => Promise.reject(readError(path, error)))
      return new FileBytes(file, size ?? Number.POSITIVE_INFINITY)
    })
  }

  /** Opens the log at its beginning. Throws `FST_FLOODGATE_LOG` where it is compressed in a foreign way. */
  async open(): Promise<Bytes> {
    const raw = await this.#open()
    const head = Buffer.alloc(LONGEST_MARK)
    let length = 0
    for (let read = -1; length < LONGEST_MARK && read !== 0; length += read)
      read = await raw.read(head, length)
    const bytes = new HeadBytes(head.subarray(0, length), raw)
    const mark = head.toString('hex', 0, length)
    if (mark.startsWith(GZIP)) return new GzipBytes(bytes)
    const tool = Object.entries(FOREIGN).find(([start]) => mark.startsWith(start))?.[1]
    if (tool === undefined) return bytes
    await raw.close()
    throw logError(
      this.name,
      `compressed in a way that is not gzip; ${tool} ${this.name} | fastify-floodgate replay - reads it`,
    )
  }
}

async function findPath(file: string | URL): Promise<OpenableLog> {
  const path = file instanceof URL ? fileURLToPath(file) : file
  const stats = await stat(path).catch((error) => Promise.reject(readError(path, error)))
  if (stats.isDirectory()) throw logError(path, 'a folder; name the files in it')
  // A named pipe has no size.
  return OpenableLog.ofPath(path, stats.isFile() ? stats.size : null)
}

function readError(path: string, { code, message }: NodeJS.ErrnoException): Error {
  return logError(path, code === 'ENOENT' ? 'no such file' : message)
}
