import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit from '../../../lib/index.js'
import { lateStore } from '../../fixtures/late-store.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { ask, limited, ok, only, user } from '../support/app.js'

const FIXTURE = fileURLToPath(new URL('close.fixture.ts', import.meta.url))
const PATIENCE = 60_000

/** All listeners of the process, by event. */
const listeners = () =>
  Object.fromEntries(process.eventNames().map((event) => [String(event), process.listenerCount(event)]))

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

test('an app that has limited requests has started no timer, and leaves no listener on the process', async (t) => {
  const app = await limited({
    ...only(2),
    guard: only(9),
    key: () => undefined,
    limiters: { window: { algorithm: 'sliding-window', rate: 1 } },
  })
  app.get('/', ok)
  app.get('/window', { config: { rateLimit: ['window', { key: user, hook: 'preHandler' }] } }, ok)
  await app.ready()
  const before = { timers: timers(), listeners: listeners() }
  t.same(await ask(app, 'GET /', 'GET /', 'GET /', 'GET /window', 'GET /window'), [
    '200 1',
    '200 0',
    '429 0',
    '200 0',
    '429 0',
  ])
  t.same({ timers: timers(), listeners: listeners() }, before)
  await app.close()
  t.same(listeners(), before.listeners)
})

for (const [how, args] of Object.entries({ 'after close()': ['listen'], 'without close()': [] })) {
  test(`a process that has limited requests ends by itself ${how}`, async (t) => {
    // The timeout only frees the test from a process that hangs: it is killed, and the promise rejects.
    const child = promisify(execFile)(process.execPath, ['--import=tsx', FIXTURE, ...args], {
      timeout: PATIENCE,
    })
    const { stdout } = await child
    t.same(stdout.trim().split('\n'), ['200', '200', '429'])
  })
}

test('connections that close() ends by force give their units back before the store is closed', async (t) => {
  const room = lateStore(new ManualClock())
  const app = Fastify({ forceCloseConnections: true })
  let out = -1
  const store = {
    ...room.store,
    close: async () => {
      const decision = await app.rateLimit.get('default').peek('127.0.0.1', { cost: 0 })
      out = 3 - decision.remaining
    },
  }
  await app.register(rateLimit, { algorithm: 'concurrency', limit: 3, store })
  let inProgress = 0
  app.get('/', () => {
    inProgress++
    return new Promise(() => {})
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const replies = [1, 2, 3].map(() => fetch(address).catch(() => 'closed'))
  while (inProgress < 3) await sleep(1)
  await app.close()
  t.same(await Promise.all(replies), ['closed', 'closed', 'closed'])
  t.equal(out, 0)
})
