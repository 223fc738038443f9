import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyRequest } from 'fastify'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { prometheus } from '../../../lib/metrics.js'
import { parseSeries } from '../../observe/series.js'
import { CLIENT, user } from './app.js'

const REQUESTS = 1500
const AT_ONCE = 16
const USERS = 11
/** No unit comes back while the test runs, so that a reference needs no clock. */
const ONCE = { per: 'hour', algorithm: 'sliding-window' } as const

const LIMITS: RateLimitOptions = {
  rate: 12,
  per: 'hour',
  burst: 12,
  key: 'user',
  keys: { user },
  cost: (request: FastifyRequest) => costOf(request.url),
  guard: { ...ONCE, rate: REQUESTS - 60 },
  maxWaiting: 2,
  warnings: false,
  body: 'problem',
  limiters: {
    pair: [
      { name: 'narrow', ...ONCE, rate: 9, cost: 1 },
      { name: 'wide', rate: 6, per: 'hour', burst: 6 },
      { name: 'tried', ...ONCE, rate: 4, enforce: false },
    ],
    slow: { rate: 5, per: 'second', burst: 2, wait: 300, key: 'global', cost: 1 },
    strict: { ...ONCE, rate: 3, block: '1 hour', cost: 1 },
    busy: { algorithm: 'concurrency', limit: 1, key: 'global', cost: 1, status: 503 },
    shadow: { ...ONCE, rate: 5, cost: 1, enforce: false },
    share: { ...ONCE, rate: 2, cost: 1, enforce: 0.5 },
  },
}

/** The enforced policies that a route asks, beside the guard, each as `limiter/policy`. */
const ROUTES: Readonly<Record<string, readonly string[]>> = {
  default: ['default/default'],
  pair: ['pair/narrow', 'pair/wide'],
  slow: ['slow/slow'],
  strict: ['strict/strict'],
  busy: ['busy/busy'],
  shadow: [],
  share: [],
}

/** Policies that admit so many requests of a user, and only count all others of those who are not denied. */
const SHADOWS = { shadow: ['shadow/shadow', 5], share: ['share/share', 2], pair: ['pair/tried', 4] } as const

type Counts = Record<string, number>

function costOf(url: string): number {
  return Number(new URL(url, 'http://host').searchParams.get('cost'))
}

/**
 * Sends requests of all kinds over real sockets, many at once, to one app or to several in turn. Returns what
 * the client saw, by `limiter/policy/outcome` and `limiter/policy/units`, and the same of `/metrics`.
 */
export async function hiddenClient(t: Test, stores: readonly RateLimitOptions['store'][]) {
  const registry = new Registry()
  const origins = await Promise.all(stores.map((store) => serve(t, store, registry)))
  const seen: Counts = {}
  /** Requests of each route by user, and those of `share` that were denied. */
  const asked: Record<string, Counts> = { shadow: {}, share: {}, pair: {} }
  const denied: Counts = {}
  const routes = Object.keys(ROUTES)
  let sent = 0
  const client = async () => {
    while (sent < REQUESTS) {
      const n = sent++
      const [route, name, cost] = [routes[n % routes.length], `user ${n % USERS}`, 1 + (n % 3)]
      const url = `${origins[n % origins.length]}/${route}?cost=${cost}`
      const reply = await fetch(url, { headers: { 'x-user': name } })
      const { type = '', 'violated-policies': violated = [] } = (await reply.json()) as Problem
      if (violated.includes('guard')) {
        add(seen, 'guard/guard/denied')
        continue
      }
      add(seen, 'guard/guard/allowed')
      add(seen, 'guard/guard/units')
      if (route in asked) add(asked[route], name)
      if (route === 'share' && !reply.ok) add(denied, name)
      for (const policy of ROUTES[route]) count(seen, policy, reply, { type, violated }, cost)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  for (const [route, [policy, most]] of Object.entries(SHADOWS))
    for (const [name, n] of Object.entries(asked[route])) {
      const admitted = Math.min(n, most)
      add(seen, `${policy}/allowed`, admitted)
      add(seen, `${policy}/units`, admitted)
      const isDenied = route === 'share' && denied[name] > 0
      add(seen, `${policy}/${isDenied ? 'denied' : 'shadow_denied'}`, n - admitted)
    }
  const metrics = async () => {
    const series = parseSeries(await (await fetch(`${origins[0]}/metrics`)).text())
    return Object.fromEntries([...series].flatMap(([name, value]) => countOf(name, value)))
  }
  return { seen, metrics, deniedOfShare: denied }
}

interface Problem {
  readonly type?: string
  readonly 'violated-policies'?: readonly string[]
}

async function serve(t: Test, store: RateLimitOptions['store'], registry: Registry): Promise<string> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit, { ...LIMITS, store } as RateLimitOptions)
  prometheus(app.rateLimit, { registry })
  for (const route of Object.keys(ROUTES)) {
    app.get(`/${route}`, { config: { rateLimit: route } }, async ({ rateLimit }, reply) => {
      reply.header('x-delayed', String(rateLimit?.decisions.some((one) => 'delay' in one)))
      await sleep(2)
      return {}
    })
  }
  app.get('/metrics', { config: { rateLimit: false } }, () => registry.metrics())
  return app.listen({ host: CLIENT, port: 0 })
}

/** Counts what a reply says of one enforced policy. A denial counts for the policies that denied. */
function count(
  seen: Counts,
  policy: string,
  { status, headers }: Response,
  { type, violated }: { type: string; violated: readonly string[] },
  cost: number,
): void {
  const [, name] = policy.split('/')
  if (status === 200) {
    add(seen, `${policy}/${headers.get('x-delayed') === 'true' ? 'delayed' : 'allowed'}`)
    add(seen, `${policy}/units`, name === 'default' ? cost : 1)
  } else if (violated.includes(name)) {
    add(seen, `${policy}/${type.endsWith('#abnormal-usage-detected') ? 'blocked' : 'denied'}`)
    add(seen, `status ${status}`)
  }
}

function add(counts: Counts, name: string, n = 1): void {
  if (n > 0) counts[name] = (counts[name] ?? 0) + n
}

/** A series as a count, if it is one of ours and not 0. */
function countOf(name: string, value: number): [string, number][] {
  const match =
    /^floodgate_(decisions|units)_total\{limiter="(.+?)",policy="(.+?)"(?:,outcome="(.+?)")?\}$/.exec(name)
  if (match === null || value === 0) return []
  const [, kind, limiter, policy, outcome = kind] = match
  return [[`${limiter}/${policy}/${outcome}`, value]]
}
