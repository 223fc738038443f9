import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import rateLimitConsole, { type RateLimitConsoleOptions } from '../../../lib/console.js'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import type { ConsoleState } from '../../../types/console.js'

interface Owner {
  teardown(fn: () => unknown): void
}

interface Setup {
  readonly limits?: RateLimitOptions
  readonly console?: RateLimitConsoleOptions
  readonly server?: FastifyServerOptions
  /** Adds routes and plugins before the console. */
  readonly build?: (app: FastifyInstance) => void | Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: answers are compared, not used
type Json = Record<string, any>

export const OWN = { 'x-floodgate-console': '1' }

/** An API with a console at `/limits`, listening on a free port. */
export async function openConsole(t: Owner, { limits, server, build, ...setup }: Setup = {}) {
  const app: FastifyInstance = Fastify(server)
  await app.register(rateLimit, { warnings: false, ...limits })
  app.get('/', async () => 'ok')
  await build?.(app)
  await app.register(rateLimitConsole, { prefix: '/limits', public: true, ...setup.console })
  const address = await app.listen({ port: 0 })
  t.teardown(() => app.close())
  const get = (path: string, init: RequestInit = {}) => fetch(address + path, init)
  /** A call of the API: its status and its answer. */
  const call = async (verb: string, body: unknown, headers: Record<string, string> = OWN) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const init = { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...headers } }
    const reply = await get(`/limits/api/${verb}`, init)
    const answer = (await reply.json()) as Json
    return { ...answer, status: reply.status } as Json
  }
  const state = async (): Promise<ConsoleState> =>
    (await get('/limits/api/state')).json() as Promise<ConsoleState>
  return { app, address, get, call, state }
}

/** Events of a stream, as a page hears them. */
export async function listen(address: string, path = '/limits/api/stream', headers = {}) {
  const leave = new AbortController()
  const reply = await fetch(address + path, { headers, signal: leave.signal })
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let hasEnded = false
  /** The next event; null at the end. */
  const next = async (): Promise<{ name: string; data: never } | null> => {
    for (;;) {
      const [, block, name, data] = text.match(/^((?:event: (\w+)\ndata: (.*)|.*)\n\n)/) ?? []
      if (block !== undefined) {
        text = text.slice(block.length)
        if (name === undefined) continue
        return { name, data: JSON.parse(data) as never }
      }
      if (hasEnded) return null
      const { value, done } = await reader.read()
      hasEnded = done
      text += decoder.decode(value, { stream: true })
    }
  }
  return { reply, next, leave: () => leave.abort(), raw: () => text }
}
