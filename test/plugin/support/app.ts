import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  type InjectOptions,
} from 'fastify'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import type { Decision } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'

/** The key of injected requests that are counted by IP. */
export const CLIENT = '127.0.0.1'

/** A store whose time stands still: what was charged stays charged. */
export const frozenStore = () => memoryStore({ clock: new ManualClock() })

/** A policy that lets `n` requests pass, and no more. */
export const only = (n: number) => ({ rate: n, per: 'hour', burst: n }) as const

export const ok = async () => 'ok'

/** The `x-user` header, or nobody: the usual key of these tests that is not known on arrival. */
export const user = (request: FastifyRequest) => String(request.headers['x-user'] ?? 'nobody')

/** An app with the plugin loaded, over a store that stands still. */
export async function limited(
  options: RateLimitOptions = {},
  server: FastifyServerOptions = {},
): Promise<FastifyInstance> {
  const app = Fastify(server)
  await app.register(rateLimit, { store: frozenStore(), ...options })
  return app
}

/**
 * Sends `'METHOD /url'` or `inject()` options one after the other. Each answer is its status and
 * X-RateLimit-Remaining, `-` where no limiter spoke: `'200 4'`, `'429 0'`, `'200 -'`.
 */
export async function ask(app: FastifyInstance, ...requests: (string | InjectOptions)[]): Promise<string[]> {
  const answers: string[] = []
  for (const request of requests) {
    const reply = await app.inject(typeof request === 'string' ? parse(request) : request)
    answers.push(`${reply.statusCode} ${reply.headers['x-ratelimit-remaining'] ?? '-'}`)
  }
  return answers
}

function parse(request: string): InjectOptions {
  const [method, url] = request.split(' ')
  return { method: method as InjectOptions['method'], url }
}

/** Units left of a named limiter for a client. */
export function left(app: FastifyInstance, name = 'default', key = CLIENT): number {
  // The store of these tests answers at once.
  return (app.rateLimit.get(name).peek(key) as Decision).remaining
}

/** Hooks that write their name into `trace`; with the payload argument of `preParsing` or without. */
export function tracer(trace: string[]) {
  return {
    hook: (name: string) => (_request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
      trace.push(name)
      done()
    },
    parsing:
      (name: string) =>
      (_request: FastifyRequest, _reply: FastifyReply, _payload: unknown, done: () => void) => {
        trace.push(name)
        done()
      },
    /** A cost of 1, or the moment when a limiter asks what a request costs. */
    cost: (name: string) => () => {
      trace.push(name)
      return 1
    },
  }
}
