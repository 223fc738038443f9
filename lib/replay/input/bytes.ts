import type { FileHandle } from 'node:fs/promises'

/** The bytes of a file or of a stream, in their order. */
export interface Bytes {
  /** Reads into `target` from `offset` on, and returns how many bytes: at least 1, or 0 at the end. */
  read(target: Buffer, offset: number): Promise<number>
  close(): Promise<void>
  /** How many bytes were read from the file, compressed where it is. */
  readonly consumed: number
  /** Why the bytes end too early, or null. */
  readonly damage: string | null
}

/** The first `size` bytes of a file: what is written to a log while it is read does not count. */
export class FileBytes implements Bytes {
  consumed = 0
  readonly damage = null
  readonly #file: FileHandle
  readonly #size: number

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.#size = size
  }

  async read(target: Buffer, offset: number): Promise<number> {
    const most = Math.min(target.length - offset, this.#size - this.consumed)
    if (most === 0) return 0
    const { bytesRead } = await this.#file.read(target, offset, most, null)
    this.consumed += bytesRead
    return bytesRead
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

export class StreamBytes implements Bytes {
  consumed = 0
  readonly damage = null
  readonly #chunks: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  async read(target: Buffer, offset: number): Promise<number> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next()
      if (done) return 0
      this.#chunk = value
    }
    const part = this.#chunk.subarray(0, target.length - offset)
    target.set(part, offset)
    this.#chunk = this.#chunk.subarray(part.length)
    this.consumed += part.length
    return part.length
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}

/** Bytes of which the first were read already. */
export class HeadBytes implements Bytes {
  #head: Buffer
  readonly #rest: Bytes

  constructor(head: Buffer, rest: Bytes) {
    this.#head = head
    this.#rest = rest
  }

  get consumed(): number {
    return this.#rest.consumed
  }

  get damage(): string | null {
    return this.#rest.damage
  }

  async read(target: Buffer, offset: number): Promise<number> {
    if (this.#head.length === 0) return await this.#rest.read(target, offset)
    const copied = this.#head.copy(target, offset)
    this.#head = this.#head.subarray(copied)
    return copied
  }

  close(): Promise<void> {
    return this.#rest.close()
  }
}
