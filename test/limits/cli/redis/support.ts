import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { LIBRARIES, type Library } from '../../../../lib/limits/cli/clients.js'
import { limitsCommandWith } from '../../../../lib/limits/cli/limits-command.js'
import { type Server, type ServerOptions, startRedis } from '../../../fixtures/redis/server.js'
import { run } from '../../../replay/cli/support.js'

/** The command line in this process, over a server of its own, and files to push. */
export async function desk(t: Test, { server: options, libraries = LIBRARIES }: DeskOptions = {}) {
  const server = await startRedis(t, options)
  const folder = t.testdir()
  const command = limitsCommandWith(libraries)
  const env: Record<string, string> = { REDIS_URL: server.url, USER: 'ops' }
  const limits = (...args: string[]) => run(['limits', ...args], { commands: [command], env })
  /** The path of a file that holds a document. */
  const file = (document: unknown, name = 'limits.json') => {
    const path = join(folder, name)
    writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document))
    return path
  }
  const push = (document: unknown, ...args: string[]) =>
    limits('push', file(document), '--comment', 'why', ...args)
  return { server, env, limits, file, push, inForce: () => server.command('GET', 'limits') }
}

export interface DeskOptions {
  server?: ServerOptions
  libraries?: readonly Library[]
}

/** The library of our tests, whose scripts wait for what `before` does; it gets their text. */
export function slow(before: (script: string) => Promise<unknown> | undefined): Library {
  return () => {
    const open = LIBRARIES[0]()
    return (url) => {
      const { client, ...rest } = open(url)
      const inner = client as unknown as { eval(...args: unknown[]): Promise<unknown> }
      const send = inner.eval.bind(client)
      const late = Object.create(client as object, {
        eval: {
          value: async (script: string, ...args: unknown[]) => {
            await before(script)
            return send(script, ...args)
          },
        },
      })
      return { client: late, ...rest }
    }
  }
}

/** A document with that rate of the default limiter. */
export const rate = (rate: number) => ({ limiters: { default: { rate } } })

export type { Server }
