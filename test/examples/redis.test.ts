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

test('two processes share one limit, on a server that the example starts itself', async (t) => {
  const { child, addresses } = await start(t)
  const codes: number[] = []
  const processes = new Set<number>()
  for (let i = 0; i < 8; i++) {
    const reply = await fetch(addresses[i % 2])
    codes.push(reply.status)
    const body = (await reply.json()) as { process?: number }
    if (body.process !== undefined) processes.add(body.process)
  }
  t.strictSame(codes, [200, 200, 200, 200, 200, 200, 429, 429])
  t.equal(processes.size, 2)
  for (const address of addresses) t.equal((await fetch(`${address}/health`)).status, 200)
  t.match(await child.stop(), { code: 0 })
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
  const server = await startRedis(t)
  const { addresses } = await start(t, { REDIS_URL: server.url })
  t.equal((await fetch(addresses[0])).headers.get('x-ratelimit-remaining'), '5')
  await server.stop()
  const codes: number[] = []
  for (let i = 0; i < 4; i++) codes.push((await fetch(addresses[0])).status)
  t.strictSame(codes, [200, 200, 200, 429])
})
