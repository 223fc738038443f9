import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Variables that examples read. A test removes them, so that the tester's own settings have no effect. */
const READ_BY_EXAMPLES = [
  'PORT',
  'REDIS_URL',
  'OPERATOR_TOKEN',
  'API_KEYS',
  'HANDOFFKIT_API_RATE_LIMIT_PER_MIN',
  'HANDOFFKIT_API_BURST',
  'OPERATOR_PASSWORD',
  'POPULATION',
]

/** An example that runs as its header comment says, with the same Node.js. */
export class Child {
  stdout = ''
  stderr = ''
  /** Its exit code and the signal that ended it, once all its output has been read. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #process: ChildProcess

  constructor(file: string, env: Record<string, string> = {}) {
    const inherited = { ...process.env }
    for (const name of READ_BY_EXAMPLES) delete inherited[name]
    const child = spawn(process.execPath, ['--import=tsx', file], {
      cwd: ROOT,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
    this.#process = child
  }

  /** The address that a server prints. Fails if it ends without one. */
  async address(): Promise<string> {
    for (;;) {
      const address = /Listening on (http:\S+)\n/.exec(this.stdout)?.[1]
      if (address !== undefined) return address
      const ended = await Promise.race([
        once(this.#process.stdout as NodeJS.ReadableStream, 'data'),
        this.ended,
      ])
      if (!Array.isArray(ended))
        throw new Error(`no address, code ${ended.code}: ${this.stdout}${this.stderr}`)
    }
  }

  /** Asks it to end, and waits until it has ended. */
  stop(signal: NodeJS.Signals = 'SIGTERM') {
    this.#process.kill(signal)
    return this.ended
  }
}

/** Starts a server on a free port. The end of the test stops it. */
export async function startServer(t: Test, file: string, env: Record<string, string> = {}) {
  const child = new Child(file, { PORT: '0', ...env })
  t.teardown(() => child.stop())
  return { child, address: await child.address() }
}
