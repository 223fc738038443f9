import { type AddressInfo, connect, type Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import type { PolicyOptions, RateLimitStats } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { CLIENT, only, user } from '../support/app.js'

const REQUESTS = 10_000
const USERS = 7

const GUARD: PolicyOptions = { algorithm: 'sliding-window', rate: 400, per: 'minute' }
const LIMITERS = {
  pair: [
    { name: 'narrow', algorithm: 'sliding-window', rate: 9, per: 'minute' },
    { name: 'wide', rate: 12, per: 'minute', burst: 6 },
  ],
  strict: { name: 'strict', ...only(3), per: '10 seconds', block: '20 seconds' },
  busy: { name: 'busy', algorithm: 'concurrency', limit: 2, status: 503 },
  failures: { name: 'failures', rate: 30, per: 'minute', burst: 4, charge: 'failed' },
} as const

/** Shadows of every kind, tight enough to deny most of what they see. */
const SHADOWS: PolicyOptions[] = [
  { name: 's1', rate: 1, per: 'minute', burst: 1 },
  { name: 's2', algorithm: 'sliding-window', rate: 2, per: 'minute' },
  { name: 's3', rate: 3, per: 'minute', burst: 1, wait: '1 minute' },
  { name: 's4', rate: 1, per: 'minute', burst: 1, block: { for: '1 second', factor: 2 } },
  { name: 's5', algorithm: 'concurrency', limit: 1 },
  { name: 's6', rate: 0 },
].map((policy) => ({ ...policy, enforce: false }) as PolicyOptions)

interface Limited {
  readonly clock: ManualClock
  readonly app: FastifyInstance
  ask(request: string): Promise<string>
}

/** An app with limits of every kind, or with shadows beside all that may have some. */
async function start(t: Test, hasShadows: boolean): Promise<Limited> {
  const clock = new ManualClock()
  const app = Fastify({ forceCloseConnections: true, genReqId: () => 'id' })
  t.teardown(() => app.close())
  const beside = (policies: object) =>
    hasShadows ? [SHADOWS[0], ...[policies].flat(), ...SHADOWS.slice(1)] : policies
  const shadow = hasShadows ? ['shadow'] : []
  await app.register(rateLimit, {
    ...only(20),
    per: 'minute',
    key: 'user',
    keys: { user },
    guard: GUARD,
    limiters: {
      ...Object.fromEntries(Object.entries(LIMITERS).map(([name, policies]) => [name, beside(policies)])),
      ...(hasShadows && { shadow: SHADOWS }),
    },
    headers: ['x-ratelimit', 'draft-11'],
    exposeHeaders: true,
    warnings: false,
    log: false,
    store: memoryStore({ clock }),
  } as RateLimitOptions)
  const answer = async ({ rateLimit, query }: FastifyRequest) => {
    const { take, refund } = query as { take?: string; refund?: string }
    const more = take === undefined ? undefined : await rateLimit?.take(Number(take))
    if (refund !== undefined) await rateLimit?.refund(Number(refund))
    const { decision, decisions, limiter, key } = rateLimit ?? {}
    return { more, decision, decisions, limiter, key }
  }
  const own = { rate: 8, per: 'minute', burst: 5, cost: 2 } as const
  const routes: Record<string, unknown> = {
    '/plain': ['default', ...shadow],
    '/pair': 'pair',
    '/both': ['default', ...shadow, 'strict'],
    '/busy': ['busy'],
    '/own': [own, ...(hasShadows ? SHADOWS.map((policy) => ({ ...policy, key: 'ip' as const })) : [])],
    '/chosen': () => (hasShadows ? [own, ...SHADOWS] : own),
    // Not an exempt route, which has no guard either.
    '/free': () => (hasShadows ? 'shadow' : false),
  }
  for (const [url, rateLimit] of Object.entries(routes))
    app.get(url, { config: { rateLimit: rateLimit as never } }, answer)
  app.get('/login', { config: { rateLimit: 'failures' } }, async (request, reply) => {
    const body = await answer(request)
    return reply.code((request.query as { fails?: string }).fails === undefined ? 200 : 401).send(body)
  })
  await app.listen({ host: CLIENT, port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, CLIENT)
  t.teardown(() => socket.destroy())
  return { clock, app, ask: asker(socket) }
}

/** Sends one request after the other over one connection. Resolves with all bytes of the response. */
function asker(socket: Socket): (request: string) => Promise<string> {
  let bytes = ''
  let resolve: (bytes: string) => void = () => {}
  socket.on('data', (chunk) => {
    bytes += chunk.toString('latin1')
    const end = bytes.indexOf('\r\n\r\n') + 4
    const length = /content-length: (\d+)/i.exec(bytes)
    if (end < 4 || length === null || bytes.length < end + Number(length[1])) return
    const response = bytes
    bytes = ''
    resolve(response.replace(/^date: .*\r\n/im, ''))
  })
  return (request) =>
    new Promise((done) => {
      resolve = done
      socket.write(request)
    })
}

/** Numbers from 0 to below `n` (Mulberry32). */
function randomNumbers(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n
  }
}

/** The counters of policies that are enforced. */
function enforced({ limiters }: RateLimitStats): Record<string, unknown> {
  const all = Object.entries(limiters).flatMap(([limiter, { policies }]) =>
    Object.entries(policies).map(([policy, stats]) => [`${limiter} ${policy}`, stats] as const),
  )
  return Object.fromEntries(all.filter(([, { enforce }]) => enforce === 1))
}

/** All that enforced policies have left for all keys. */
function units(app: FastifyInstance): unknown[] {
  return [...app.rateLimit].flatMap((limiter) => {
    if (limiter.policies.every(({ enforce }) => enforce === 0)) return []
    const keys = [CLIENT, ...Array.from({ length: USERS }, (_, i) => `u${i}`)]
    return keys.map((key) => [limiter.name, key, limiter.peek(key, { cost: 0 })])
  })
}

test('no byte of 10,000 responses and no unit of an enforced policy depends on shadows', async (t) => {
  const random = randomNumbers(42)
  const [without, beside] = [await start(t, false), await start(t, true)]
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]
  const urls = ['/plain', '/pair', '/both', '/busy', '/own', '/chosen', '/free', '/login', '/nowhere']
  const queries = ['', '', '', '?take=1', '?take=4', '?refund=1', '?take=2&refund=3', '?fails']
  const statuses: Record<string, number> = {}
  for (let i = 0; i < REQUESTS; i++) {
    const pause = pick([0, 0, 0, 1, 10, 100, 100, 1000])
    for (const { clock } of [without, beside]) clock.advance(pause)
    const head = `GET ${pick(urls)}${pick(queries)} HTTP/1.1\r\nhost: x\r\nx-user: u${random(USERS)}\r\n\r\n`
    const [expected, found] = await Promise.all([without.ask(head), beside.ask(head)])
    if (found !== expected) return t.equal(found, expected, `request ${i}: ${head}`)
    const status = expected.slice(9, 12)
    statuses[status] = (statuses[status] ?? 0) + 1
    if (i % 500 === 0) t.same(units(beside.app), units(without.app))
  }
  t.same(units(beside.app), units(without.app))
  const [expected, found] = [without, beside].map(({ app }) => enforced(app.rateLimit.stats()))
  // Policies of a list have the names that the list gives them.
  t.same(found, expected)
  for (const status of ['200', '401', '404', '429'])
    t.ok(statuses[status] > 100, `${status}: ${statuses[status]}`)
  const { policies } = beside.app.rateLimit.stats().limiters.shadow
  for (const name of ['s1', 's2', 's3', 's4', 's6']) t.ok(policies[name].shadowDenied > 100, name)
})
