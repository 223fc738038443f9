import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import type { Decision, OutcomeCounts, RateLimitStats } from '../../../types/index.js'
import { CLIENT, only, user } from './app.js'

/** What a client saw of the policies that decided about one request of it. */
interface Seen {
  readonly status: number
  readonly decisions: readonly Decision[]
}

/** Limits of every kind, on real time. Their numbers leave some of all outcomes to a load of 600 requests. */
const LIMITS: RateLimitOptions = {
  ...only(12),
  key: 'user',
  keys: { user },
  cost: (request: FastifyRequest) => Number((request.query as { cost?: string }).cost ?? 1),
  guard: { algorithm: 'sliding-window', rate: 550, per: 'hour' },
  maxWaiting: 2,
  warnings: false,
  limiters: {
    pair: [
      { name: 'narrow', algorithm: 'sliding-window', rate: 9, per: 'hour', cost: 1 },
      { name: 'wide', ...only(6) },
    ],
    slow: { rate: 5, per: 'second', burst: 2, wait: 300, key: 'global', cost: 1 },
    strict: { ...only(3), block: '1 hour', cost: 1 },
    busy: { algorithm: 'concurrency', limit: 2, key: 'global', cost: 1 },
  },
  // The reply says what each policy decided.
  body: ({ rateLimit }) => ({ decisions: rateLimit?.decisions }),
}

const ROUTES = {
  '/plain': undefined,
  '/pair': 'pair',
  '/slow': 'slow',
  '/strict': 'strict',
  '/busy': 'busy',
  '/both': ['default', 'strict'],
  '/chosen': () => ({ ...only(5), name: 'chosen', cost: 1 }),
} as const

/**
 * Sends requests of all kinds over sockets, several at a time. Returns what their client saw, by limiter and
 * policy, and what the app counted.
 */
export async function witness(
  t: Test,
  store: RateLimitOptions['store'],
): Promise<{ seen: Record<string, Record<string, OutcomeCounts>>; stats: RateLimitStats }> {
  const app = Fastify()
  await app.register(rateLimit, { ...LIMITS, store } as RateLimitOptions)
  for (const [url, rateLimit] of Object.entries(ROUTES))
    app.get(url, { config: { rateLimit: rateLimit as never } }, async ({ rateLimit }) => {
      await sleep(2)
      return { decisions: rateLimit?.decisions }
    })
  t.teardown(() => app.close())
  const origin = await app.listen({ host: CLIENT, port: 0 })
  const seen: Record<string, Record<string, OutcomeCounts>> = {}
  const urls = Object.keys(ROUTES)
  let sent = 0
  const client = async () => {
    while (sent < 600) {
      const n = sent++
      // No two of 7, 11 and 3 have a common divisor, so that each meets each.
      const url = urls[n % urls.length]
      const cost = 1 + (n % 3)
      const reply = await fetch(`${origin}${url}?cost=${cost}`, { headers: { 'x-user': `user ${n % 11}` } })
      const { decisions } = (await reply.json()) as Seen
      count(seen, { status: reply.status, decisions }, url, cost)
    }
  }
  await Promise.all(Array.from({ length: 12 }, client))
  return { seen, stats: app.rateLimit.stats() }
}

/** Counts what one reply says. A denial counts for those that denied, and for the guard before them. */
function count(
  seen: Record<string, Record<string, OutcomeCounts>>,
  { status, decisions }: Seen,
  url: string,
  cost: number,
): void {
  for (const decision of decisions) {
    if (status === 429 && decision.allowed && decision.policy !== 'guard') continue
    const { limiter, policy } = placeOf(decision.policy, url)
    seen[limiter] ??= {}
    seen[limiter][policy] ??= none()
    const counts = seen[limiter][policy]
    if (!decision.allowed) counts[decision.blocked ? 'blocked' : 'denied']++
    else {
      counts[decision.delay === undefined ? 'allowed' : 'delayed']++
      counts.units += policy === 'default' ? cost : 1
      if (decision.remaining / decision.limit < 0.2) counts.nearLimit++
    }
  }
}

/** Where the policy counts that calls itself so. */
function placeOf(name: string, url: string): { limiter: string; policy: string } {
  if (name === 'chosen') return { limiter: `GET ${url}`, policy: `GET ${url}` }
  return { limiter: name === 'narrow' || name === 'wide' ? 'pair' : name, policy: name }
}

function none(): OutcomeCounts {
  return { allowed: 0, delayed: 0, denied: 0, blocked: 0, shadowDenied: 0, nearLimit: 0, units: 0 }
}

/** The counters of a snapshot, those of policies that decided nothing left out. */
export function countsOf({ limiters }: RateLimitStats): Record<string, Record<string, OutcomeCounts>> {
  const entries = Object.entries(limiters).map(([limiter, { policies }]) => [
    limiter,
    Object.fromEntries(
      Object.entries(policies).map(([policy, { algorithm, rate, per, limit, enforce, ...counts }]) => [
        policy,
        counts,
      ]),
    ),
  ])
  return Object.fromEntries(entries)
}

/** The sum of all counts of each outcome. */
export function totals(counts: Record<string, Record<string, OutcomeCounts>>): OutcomeCounts {
  const total = none()
  for (const policies of Object.values(counts))
    for (const one of Object.values(policies))
      for (const outcome of Object.keys(total) as (keyof OutcomeCounts)[]) total[outcome] += one[outcome]
  return total
}
