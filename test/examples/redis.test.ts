import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { keysOf } from '../fixtures/redis/monitor.js'
import { startRedis } from '../fixtures/redis/server.js'
import { until } from '../fixtures/redis/until.js'
import { Child } from './child.js'

/** Starts the example on free ports. Returns the addresses of its two processes. */
async function start(t: Test, env: Record<string, string> = {}) {
  const child = new Child('examples/redis/start.ts', { PORT: '0', ...env })
  t.teardown(() => child.stop())
  for (;;) {
    const addresses = [...child.stdout.matchAll(/Listening on (http:\S+)\n/g)].map(([, address]) => address)
    if (addresses.length === 2) return { child, addresses }
    const ended = await Promise.race([sleep(50), child.ended])
    if (ended !== undefined) throw new Error(`${child.stdout}${child.stderr}`)
  }
}

/**
 * Tries up to 10 times, and returns what came last: on a slow machine units come back between two requests,
 * and processes decide alone after 100 ms.
 */
async function tryFor(wanted: string, attempt: () => Promise<string>): Promise<string> {
  let found = ''
  for (let tries = 0; tries < 10 && found !== wanted; tries++) found = await attempt()
  return found
}

test('two processes share one limit, on a server that the example starts itself', async (t) => {
  const wanted = '200 200 200 200 200 200 429 429 of 2 processes, both healthy, 0'
  const found = await tryFor(wanted, async () => {
    const { child, addresses } = await start(t)
    const codes: number[] = []
    const processes = new Set<number>()
    for (let i = 0; i < 8; i++) {
      const reply = await fetch(addresses[i % 2])
      codes.push(reply.status)
      const body = (await reply.json()) as { process?: number }
      if (body.process !== undefined) processes.add(body.process)
    }
    const health = await Promise.all(addresses.map((address) => fetch(`${address}/health`)))
    const healthy = health.every(({ status }) => status === 200) ? 'both healthy' : 'not healthy'
    const { code } = await child.stop()
    return `${codes.join(' ')} of ${processes.size} processes, ${healthy}, ${code}`
  })
  t.equal(found, wanted)
})

test('what one of them changes holds in both', async (t) => {
  const { addresses } = await start(t)
  const [first, second] = addresses
  const body = JSON.stringify({ burst: 2 })
  const headers = { 'content-type': 'application/json' }
  const changed = await fetch(`${first}/burst`, { method: 'PUT', headers, body })
  t.match(await changed.json(), { rate: 60, burst: 2 })
  const limit = async () => (await fetch(second)).headers.get('x-ratelimit-limit')
  await until('the other to follow', async () => (await limit()) === '2', 15_000)
})

test('they count on the server that REDIS_URL names', async (t) => {
  const server = await startRedis(t)
  const { addresses } = await start(t, { REDIS_URL: server.url })
  // A busy machine may not answer within the store's timeout.
  const name = await until('a key', async () => {
    await fetch(addresses[0])
    return [...(await keysOf(server)).keys()][0]
  })
  t.match(name, /^example:\{0\}:b\d+-\d+:default:[\w-]{22}$/)
})

test('without Redis, each process goes on with half of the limit', async (t) => {
  const wanted = '5 left, then without Redis 200 200 200 429'
  const found = await tryFor(wanted, async () => {
    const server = await startRedis(t)
    const { child, addresses } = await start(t, { REDIS_URL: server.url })
    const left = (await fetch(addresses[0])).headers.get('x-ratelimit-remaining')
    await server.stop()
    const codes: number[] = []
    for (let i = 0; i < 4; i++) codes.push((await fetch(addresses[0])).status)
    await child.stop()
    return `${left} left, then without Redis ${codes.join(' ')}`
  })
  t.equal(found, wanted)
})
