import { askRedis, connect, within } from '../../store/redis/index.js'
import { anyClient, type Library, type Unconnected } from './clients.js'

/** Runs a script over two keys of one slot. Rejects with an error whose message is the reason. */
export type Ask = (script: string, keys: readonly string[], args: readonly string[]) => Promise<unknown[]>

/** Milliseconds until Redis must have answered, and until it must be connected. */
const TIMEOUT = 5000
const MOVED = /^MOVED \d+ (.*):(\d+)$/

/** A connection for the time of one command, which follows the slot of its keys through a Redis Cluster. */
export class RedisAsker {
  readonly #libraries: readonly Library[]
  readonly #opened: Unconnected[] = []
  #url: URL
  #connected: Promise<Ask> | null = null

  constructor(url: URL, libraries: readonly Library[]) {
    this.#url = url
    this.#libraries = libraries
  }

  readonly ask: Ask = async (...call) => {
    this.#connected ??= this.#connect()
    try {
      return await (await this.#connected)(...call)
    } catch (error) {
      const moved = MOVED.exec((error as Error).message)
      if (moved === null) throw error
      const [, host, port] = moved
      this.#url = new URL(this.#url)
      // Without a host, it is the one that we asked.
      if (host !== '') this.#url.hostname = host.includes(':') ? `[${host}]` : host
      this.#url.port = port
      this.#connected = this.#connect()
      return (await this.#connected)(...call)
    }
  }

  close(): void {
    for (const { close } of this.#opened) close()
  }

  async #connect(): Promise<Ask> {
    const opened = anyClient(this.#libraries)(this.#url.href)
    this.#opened.push(opened)
    const connection = connect(opened.client)
    connection.watch(() => {})
    try {
      await within(TIMEOUT, opened.connect(), () => {})
    } catch (error) {
      throw new Error(reasonOf(connection.lastError() ?? error))
    }
    return (script, keys, args) => askRedis(connection, script, keys, args, TIMEOUT)
  }
}

/** An error that stands for several has no message of its own. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return message || String(code)
}
