import { constants, createGunzip } from 'node:zlib'
import type { Bytes } from './bytes.js'

/**
 * Compressed bytes that are decoded at a time. Deflate makes at most 1,032 bytes of one, so at most 16 MiB
 * wait to be read.
 */
const STEP = 16 * 1024

/**
 * Decodes gzip. Of data that ends too early, all is read that can be: a stream in a pipeline would drop some
 * of it when it fails. Of damaged data, the last 16 KiB before the damage may be lost.
 */
export class GzipBytes implements Bytes {
  damage: string | null = null
  readonly #raw: Bytes
  readonly #gunzip = createGunzip()
  readonly #input = Buffer.allocUnsafe(STEP)
  readonly #output: Buffer[] = []
  readonly #closed = new Promise<void>((resolve) => this.#gunzip.once('close', resolve))
  #ended = false

  constructor(raw: Bytes) {
    this.#raw = raw
    this.#gunzip.on('data', (chunk: Buffer) => this.#output.push(chunk))
    this.#gunzip.on('end', () => {
      this.#ended = true
    })
    this.#gunzip.on('error', (error: Error & { errno?: number }) => {
      this.#ended = true
      const isCut = error.errno === constants.Z_BUF_ERROR
      this.damage = isCut ? 'ends in the middle of its gzip data' : `has damaged gzip data (${error.message})`
    })
  }

  get consumed(): number {
    return this.#raw.consumed
  }

  async read(target: Buffer, offset: number): Promise<number> {
    while (this.#output.length === 0) {
      if (this.#ended) return 0
      await this.#decode()
    }
    const [chunk] = this.#output
    const copied = chunk.copy(target, offset)
    if (copied === chunk.length) this.#output.shift()
    else this.#output[0] = chunk.subarray(copied)
    return copied
  }

  /** Decodes the next step. Only then goes on, so that no output waits inside of the stream. */
  async #decode(): Promise<void> {
    const length = await this.#raw.read(this.#input, 0)
    if (length === 0) {
      this.#gunzip.end()
      await this.#closed
      return
    }
    await new Promise<void>((resolve) => {
      // A stream that fails calls nobody back.
      this.#gunzip.once('close', resolve)
      this.#gunzip.write(this.#input.subarray(0, length), () => {
        this.#gunzip.off('close', resolve)
        resolve()
      })
    })
  }

  close(): Promise<void> {
    this.#gunzip.destroy()
    return this.#raw.close()
  }
}
